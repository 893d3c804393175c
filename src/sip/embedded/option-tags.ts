import type { HeaderFields } from './message.js';

/** Names an option tag, once, in the one line of its header: some peers read the first line only (RFC 3261 §7.3.1 allows either). */
export function addOptionTag(headers: HeaderFields, name: 'Supported' | 'Require', tag: string): void {
  const known = headers.get(name);
  const tags = known?.toLowerCase().split(/\s*,\s*/) ?? [];
  if (tags.includes(tag)) return;
  headers.set(name, known === undefined ? tag : `${known}, ${tag}`);
}
