/** What every typed error of the gateway carries: a stable code and the facts that go with it. */
export interface ErrorInfo {
  readonly code: string;
}

/**
 * The one error class. Each area declares a union of `{ code, …facts }` and throws
 * `new GatewayError<ThatUnion>(info, sentence)`; callers switch on `error.info.code`.
 * The sentence says what, where and what to do; it never holds a secret, a digit or a full number.
 */
export class GatewayError<I extends ErrorInfo> extends Error {
  constructor(
    readonly info: I,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'GatewayError';
  }

  get code(): I['code'] {
    return this.info.code;
  }
}

/** The text of anything thrown, for a log line. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
