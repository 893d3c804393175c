/** One thing wrong with a configuration: where, what, and what to do about it. */
export interface ConfigFault {
  /** Dotted path as it stands in the file, e.g. `trunks[0].peers[1].uri`. */
  readonly path: string;
  readonly problem: string;
  readonly remedy: string;
}

/** Why a configuration could not be loaded; carries every fault found. */
export interface ConfigErrorInfo {
  readonly code: 'config-invalid';
  readonly faults: readonly ConfigFault[];
}

export function formatPath(path: readonly PropertyKey[]): string {
  return path.map((step, at) => (typeof step === 'number' ? `[${step}]` : `${at === 0 ? '' : '.'}${String(step)}`)).join('');
}

/** One fault as one line for people. */
export function formatFault({ path, problem, remedy }: ConfigFault): string {
  return `${path === '' ? '(file)' : path}: ${problem}; ${remedy}`;
}
