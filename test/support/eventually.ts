/** Polling with a deadline: for facts that live outside this process and cannot be awaited. */

export interface EventuallyOptions {
  /** What is waited for, as the rest of the sentence "still not true: …". */
  readonly what: string;
  readonly withinMs: number;
  readonly everyMs?: number;
  /** Facts that explain a failure, gathered only then. */
  readonly explain?: () => string;
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/** Resolves with the first value of `probe` that is not undefined; a probe that throws counts as not yet. */
export async function eventually<T>(probe: () => T | undefined | Promise<T | undefined>, options: EventuallyOptions): Promise<T> {
  const deadlineMs = performance.now() + options.withinMs;
  let lastError: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined) return value;
      lastError = undefined;
    } catch (thrown) {
      lastError = thrown;
    }
    if (performance.now() > deadlineMs) {
      const cause = lastError instanceof Error ? ` (${lastError.message})` : '';
      const more = options.explain === undefined ? '' : `\n${options.explain()}`;
      throw new Error(`after ${options.withinMs} ms still not true: ${options.what}${cause}${more}`);
    }
    await pause(options.everyMs ?? 50);
  }
}

/** As `eventually`, for a condition. */
export async function eventuallyTrue(condition: () => boolean | Promise<boolean>, options: EventuallyOptions): Promise<void> {
  await eventually(async () => ((await condition()) ? true : undefined), options);
}

/** Lets a signal that must be measured go on for a while; never used to wait for an event. */
export const listenFor = pause;
