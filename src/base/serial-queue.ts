/**
 * Runs asynchronous steps one after another, in the order they were pushed. One per call: a step
 * never sees another step of the same call half done. A step that fails is reported and the queue
 * goes on.
 */
export class SerialQueue {
  private tail: Promise<void> = Promise.resolve();
  private waiting = 0;

  constructor(private readonly onFault: (thrown: unknown) => void) {}

  push(step: () => void | Promise<void>): void {
    this.waiting += 1;
    this.tail = this.tail.then(async () => {
      try {
        await step();
      } catch (thrown) {
        this.onFault(thrown);
      } finally {
        this.waiting -= 1;
      }
    });
  }

  /** Resolves when everything pushed before this call has run. */
  async drained(): Promise<void> {
    await this.tail;
  }

  get length(): number {
    return this.waiting;
  }
}
