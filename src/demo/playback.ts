/** Silence in µ-law: its smallest positive value. */
export const muSilence = 0xff;

/** Prompts waiting to be heard, in µ-law, given out frame by frame. */
export class Playback {
  private waiting: Buffer[] = [];
  private at = 0;

  /** Plays these in place of whatever is playing. */
  say(sounds: readonly Buffer[]): void {
    this.waiting = sounds.filter(({ length }) => length > 0);
    this.at = 0;
  }

  stop(): void {
    this.say([]);
  }

  get playing(): boolean {
    return this.waiting.length > 0;
  }

  /** Fills `count` bytes of `target`; the end of the last prompt is filled up with silence. False when nothing is playing. */
  read(target: Buffer, offset: number, count: number): boolean {
    if (!this.playing) return false;
    let filled = 0;
    while (filled < count) {
      const sound = this.waiting[0];
      if (sound === undefined) break;
      const copied = sound.copy(target, offset + filled, this.at, Math.min(sound.length, this.at + count - filled));
      filled += copied;
      this.at += copied;
      if (this.at < sound.length) continue;
      this.waiting.shift();
      this.at = 0;
    }
    target.fill(muSilence, offset + filled, offset + count);
    return true;
  }
}
