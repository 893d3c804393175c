import { formatHostPort } from '../base/address.js';
import type { GatewayAddresses } from '../gateway.js';

/** What runs where and what to open, in a few lines. */
export function banner(version: string, { http, sip, demoCarrier }: GatewayAddresses): string {
  const listeners = sip.map(({ transport, host, port }) => `${transport} ${formatHostPort({ host, port })}`).join(', ');
  const rows: (readonly [string, string])[] = [['HTTP', http]];
  if (listeners !== '') rows.push(['SIP', listeners]);
  if (demoCarrier !== undefined) {
    rows.push(['demo carrier', `udp ${formatHostPort(demoCarrier)} (a telephone network in a box; no real call is made)`]);
  }
  const lines = [`webrtc-pstn-gateway ${version}`, ...rows.map(([what, where]) => `  ${`${what}:`.padEnd(14)}${where}`)];
  if (demoCarrier !== undefined) {
    lines.push('', `  Demo mode, on this machine only. Open ${http} and press the button.`);
    lines.push('  With a trunk of your own: npm start -- --config gateway.yaml   Ctrl-C ends.');
  }
  return `${lines.join('\n')}\n`;
}
