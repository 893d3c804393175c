/** Keys that are planned and that this version does not have. A list entry stands as `[]`. */
const plannedKeys: ReadonlySet<string> = new Set([
  'sip.domain',
  'media.rtpengine',
  'trunks[].srtp',
  'inbound[].to.menu',
  'cdr.webhook',
  'cdr.postgres',
  'menus',
  'metrics',
]);

/** Values that are planned, by key. */
const plannedValues: Readonly<Record<string, readonly unknown[]>> = { 'media.plane': ['rtpengine'] };

const general = (path: readonly PropertyKey[]): string =>
  path.map((step, at) => (typeof step === 'number' ? '[]' : `${at === 0 ? '' : '.'}${String(step)}`)).join('');

export function isPlannedKey(path: readonly PropertyKey[]): boolean {
  return plannedKeys.has(general(path));
}

export function isPlannedValue(path: readonly PropertyKey[], value: unknown): boolean {
  return plannedValues[general(path)]?.includes(value) ?? false;
}
