/**
 * The replay list of RFC 3711 §3.3.2: an index is taken once, and one that lies `size` or more
 * behind the highest is too old. Slots hold whole indexes, so nothing is ever shifted.
 */
const size = 128;

export class ReplayWindow {
  highest = -1;
  private readonly seen = new Float64Array(size).fill(-1);

  /** Whether the index may be new. Changes nothing: the packet is not yet authenticated. */
  mayTake(index: number): boolean {
    if (index > this.highest) return true;
    return index > this.highest - size && this.seen[index % size] !== index;
  }

  /** Marks the index of a packet that has proved itself. */
  take(index: number): void {
    this.seen[index % size] = index;
    if (index > this.highest) this.highest = index;
  }
}
