export interface EchoBufferOptions {
  /** Heard before anything is given back, so that a late packet leaves no hole. */
  readonly leadBytes: number;
  /** Beyond this the oldest sound is dropped, so that the delay stays short. */
  readonly mostBytes: number;
}

/** The caller's own sound in µ-law, on its way back to him. */
export class EchoBuffer {
  private readonly ring: Buffer;
  private start = 0;
  private held = 0;
  private flowing = false;

  constructor(private readonly options: EchoBufferOptions) {
    this.ring = Buffer.alloc(options.mostBytes);
  }

  /** Takes sound, through `table` when it is not µ-law. */
  write(source: Buffer, offset: number, length: number, table: Uint8Array | undefined): void {
    const size = this.ring.length;
    for (let index = offset; index < offset + length; index += 1) {
      const byte = source[index] ?? 0;
      this.ring[(this.start + this.held) % size] = table?.[byte] ?? byte;
      if (this.held < size) this.held += 1;
      else this.start = (this.start + 1) % size;
    }
    if (this.held >= this.options.leadBytes) this.flowing = true;
  }

  /** Fills `count` bytes of `target`. False when there is not enough; then it waits for its lead again. */
  read(target: Buffer, offset: number, count: number): boolean {
    if (!this.flowing || this.held < count) {
      this.flowing = false;
      return false;
    }
    for (let index = 0; index < count; index += 1) target[offset + index] = this.ring[(this.start + index) % this.ring.length] ?? 0;
    this.start = (this.start + count) % this.ring.length;
    this.held -= count;
    return true;
  }
}
