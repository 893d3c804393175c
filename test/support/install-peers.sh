#!/usr/bin/env bash
# Installs the programs that the interop suites talk to, where that is possible (Debian or Ubuntu,
# root or sudo without a password). Otherwise says what is missing; the suites that need it are
# skipped, or fail under CI=true.
set -u

declare -A package=(
  [chromium]=chromium
  [sipp]=sip-tester
  [baresip]=baresip-core
  [tshark]=tshark
  [dumpcap]=wireshark-common
  [kamailio]=kamailio
  [firefox-esr]=firefox-esr
  [espeak-ng]=espeak-ng
  [turnserver]=coturn
  [iptables]=iptables
)

missing=()
packages=()
for program in "${!package[@]}"; do
  if ! command -v "$program" > /dev/null; then
    missing+=("$program")
    packages+=("${package[$program]}")
  fi
done
if [ "${#missing[@]}" -eq 0 ]; then exit 0; fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if command -v sudo > /dev/null && sudo -n true 2> /dev/null; then as_root=(sudo -n); else as_root=(false); fi
fi
if command -v apt-get > /dev/null && [ "${as_root[0]:-}" != false ]; then
  echo "Installing ${packages[*]} for the interop suites"
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp)
  if "${as_root[@]}" apt-get update -qq > "$log" 2>&1 \
    && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >> "$log" 2>&1; then
    rm -f "$log"
    exit 0
  fi
  echo "The installation failed:"
  tail -n 20 "$log"
  rm -f "$log"
fi
echo "Missing for the interop suites: ${missing[*]} (Debian packages: ${packages[*]})."
echo "Suites that need them are skipped, or fail where CI=true is set."
exit 0
