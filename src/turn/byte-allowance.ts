/** So many bytes a second, evenly; a second's worth may go at once. */
export class ByteAllowance {
  private left: number;
  private filledAtMs: number;

  constructor(
    private readonly bytesPerSecond: number,
    nowMs: number,
  ) {
    this.left = bytesPerSecond;
    this.filledAtMs = nowMs;
  }

  /** Whether `bytes` may go now; counts them if so. */
  take(bytes: number, nowMs: number): boolean {
    this.left = Math.min(this.bytesPerSecond, this.left + ((nowMs - this.filledAtMs) * this.bytesPerSecond) / 1000);
    this.filledAtMs = nowMs;
    if (bytes > this.left) return false;
    this.left -= bytes;
    return true;
  }
}
