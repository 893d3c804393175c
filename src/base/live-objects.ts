/**
 * Objects that exist now, by kind (`call`, `dialog`, `transaction`, `socket`, `timer`,
 * `media_session`, …). After the last call every count is back at its baseline; the metric
 * `gateway_live_objects{kind}` shows it and every integration test asserts it.
 */
export type LiveObjects = Readonly<Record<string, number>>;

export function mergeLiveObjects(parts: readonly LiveObjects[]): LiveObjects {
  const sum: Record<string, number> = {};
  for (const part of parts) {
    for (const [kind, count] of Object.entries(part)) sum[kind] = (sum[kind] ?? 0) + count;
  }
  return sum;
}
