/** `/sip` on the host this script was loaded from. */
export function defaultGateway(): string {
  const url = new URL('/sip', import.meta.url.startsWith('http') ? import.meta.url : location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}
