/**
 * Keeps what a pure reading of a text came to, for the texts read last: at least `size` of them, at most
 * twice as many. What it gives is shared, so it must never be changed.
 */
export function memoized<T>(read: (text: string) => T, size: number): (text: string) => T {
  let recent = new Map<string, T>();
  let before = new Map<string, T>();
  return (text) => {
    const known = recent.get(text);
    if (known !== undefined) return known;
    const value = before.get(text) ?? read(text);
    if (recent.size >= size) {
      before = recent;
      recent = new Map();
    }
    recent.set(text, value);
    return value;
  };
}
