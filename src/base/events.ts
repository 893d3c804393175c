/**
 * Typed facts going up. A listener's own fault is reported to `onFault` and never reaches the
 * emitter: no listener can break a call. Questions never travel this way; they go down by call.
 */
export class TypedEvents<Map extends object> {
  private readonly listeners = new globalThis.Map<keyof Map, Set<(payload: never) => void>>();

  constructor(private readonly onFault: (thrown: unknown, event: keyof Map) => void) {}

  /** Adds a listener and returns the function that takes it away. */
  on<K extends keyof Map>(event: K, listener: (payload: Map[K]) => void): () => void {
    let set = this.listeners.get(event);
    if (set === undefined) {
      set = new Set();
      this.listeners.set(event, set);
    }
    set.add(listener);
    return () => {
      set.delete(listener);
    };
  }

  safeEmit<K extends keyof Map>(event: K, payload: Map[K]): void {
    const set = this.listeners.get(event);
    if (set === undefined) return;
    for (const listener of [...set]) {
      try {
        (listener as (payload: Map[K]) => void)(payload);
      } catch (thrown) {
        this.onFault(thrown, event);
      }
    }
  }

  /** Listeners now attached, for leak checks. */
  get size(): number {
    let count = 0;
    for (const set of this.listeners.values()) count += set.size;
    return count;
  }
}
