/** Where one is in the dashboard: the part of the address after `#`. */
export type Route =
  | { readonly page: 'calls' | 'trunks' | 'guard' }
  | { readonly page: 'records'; readonly query: string }
  | { readonly page: 'story'; readonly callId: string };

/** Reads an address; what leads nowhere leads to the live calls. */
export function routeOf(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  const [page, id = ''] = path.split('/');
  if (page === 'call' && id !== '') return { page: 'story', callId: decoded(id) };
  if (page === 'records') return { page, query };
  return page === 'trunks' || page === 'guard' ? { page } : { page: 'calls' };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const storyAddress = (callId: string): string => `#/call/${encodeURIComponent(callId)}`;
