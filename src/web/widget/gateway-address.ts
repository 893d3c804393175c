let told: string | undefined;

/**
 * The WebSocket of the gateway that a website wrote as an address of any kind: `https:` stands for `wss:`, and
 * what has no path for `/sip` there; without any it is on the host this script was loaded from. Nobody listens
 * at the address that is made of what is none.
 */
export function gatewayAt(text: string | undefined): string {
  const ours = import.meta.url.startsWith('http') ? import.meta.url : location.href;
  try {
    const url = text ? new URL(text, location.href) : new URL('/', ours);
    url.protocol = url.protocol.replace('http', 'ws');
    if (url.pathname === '/') url.pathname = '/sip';
    if (/^ws/.test(url.href)) return url.href;
  } catch {}
  if (text !== told) console.error(`call-button: gateway="${text}" is no address`);
  told = text;
  return 'wss://gateway.invalid';
}
