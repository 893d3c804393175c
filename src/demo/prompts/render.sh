#!/bin/sh
# Renders the demo carrier's prompts: one NAME.ulaw (8 kHz, mono, µ-law, no header) for each line below.
# Needs espeak-ng and sox. The results are committed, so a build needs neither.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Telephone band, speech levelled (peaks at -3 dBFS, never above -16 dBFS RMS over all; pauses included it comes to -20 to -16), a short pause behind.
level() { # IN.wav OUT.ulaw PAUSE_SECONDS
  sox "$1" -b 16 "$work/band.wav" rate 8000 highpass 200 lowpass 3500 \
    silence 1 0.01 0.3% fade 0.005 reverse silence 1 0.01 0.3% fade 0.005 reverse
  sox "$work/band.wav" "$work/even.wav" compand 0.001,0.04 -60,-60,-50,-24,-30,-14,-12,-11,0,-10 0 -20 0.003 gain -n -3
  rms=$(sox "$work/even.wav" -n stats 2>&1 | awk '/^RMS lev dB/ { print $4 }')
  gain=$(awk "BEGIN { g = -16 - ($rms); print (g < 0 ? g : 0) }")
  sox "$work/even.wav" -t raw -e mu-law -b 8 -r 8000 -c 1 "$2" gain "$gain" pad 0 "$3"
}

say() { # NAME PAUSE_SECONDS TEXT
  espeak-ng -v en-us -s 158 -p 42 -g 1 -w "$work/speech.wav" "$3"
  level "$work/speech.wav" "$1.ulaw" "$2"
}

say welcome 0.2 "Welcome to the demo line."
say menu 0.2 "Press 1 to hear what you are listening to. 2 for a tune. 3 to type digits, and hear them read back. \
0 to hear this again. 9 to hang up."
say about 0.3 "One it is. This voice comes from a telephone line, through the gateway, into your browser. Your keys travel the other way."
say tune-next 0.1 "A little tune for you."
say type-digits 0.2 "Type your digits, then press the hash key. Star starts over."
say start-over 0.2 "Forgotten. Type them again."
say you-typed 0.1 "You typed:"
say no-digits 0.2 "You typed nothing."
say more 0.2 "Back at the menu. Press another key, or 0 for the choices."
say not-a-choice 0.1 "That key is not on the menu."
say still-there 0.2 "Are you still there?"
say goodbye 0.1 "Thank you for calling. Goodbye."
say echo 0.1 "Speak, and you will hear yourself."
say call-back 0.2 "Please hang up now. We will call you back in a moment."
say called-back 0.2 "Hello again. This is your call back. Watch the screen: I press some keys for you."
say announcement 0.4 "This is an announcement from the network. Nobody has picked up yet, and the call has not begun. \
Please hold the line. You are being connected."
say picked-up 0.2 "Now somebody has picked up, and the call has begun."

digit=0
for word in zero one two three four five six seven eight nine; do
  say "digit-$digit" 0.12 "$word."
  digit=$((digit + 1))
done
say digit-star 0.12 "star."
say digit-hash 0.12 "hash."

# The tune: plucked notes, the opening of the Ode to Joy.
notes=""
for note in E4 E4 F4 G4 G4 F4 E4 D4 C4 C4 D4 E4; do
  sox -n -r 8000 -b 16 "$work/note-$note.wav" synth 0.24 pluck "$note" fade 0.002 0.24 0.04
  notes="$notes $work/note-$note.wav"
done
# shellcheck disable=SC2086
sox $notes "$work/tune.wav"
level "$work/tune.wav" tune.ulaw 0.3
