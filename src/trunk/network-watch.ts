/** Notices that this machine has other addresses than before. */
import { networkInterfaces } from 'node:os';
import type { Clock, Timer } from '../base/clock.js';
import type { Startable } from '../base/startable.js';

const intervalMs = 5_000;

/** The addresses of this machine that reach beyond one link, in one line that changes when they do. */
export function localAddresses(): string {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all
    .filter(({ address, internal }) => !internal && !/^fe[89ab]/i.test(address))
    .map(({ address }) => address)
    .sort()
    .join(' ');
}

export class NetworkWatch implements Startable {
  private seen = '';
  private timer: Timer | undefined;

  constructor(
    private readonly onChange: () => void,
    private readonly deps: { readonly clock: Clock; readonly addresses: () => string },
  ) {}

  start(): Promise<void> {
    this.seen = this.deps.addresses();
    this.timer ??= this.deps.clock.after(intervalMs, () => this.look());
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.timer?.cancel();
    this.timer = undefined;
    return Promise.resolve();
  }

  private look(): void {
    this.timer = this.deps.clock.after(intervalMs, () => this.look());
    const now = this.deps.addresses();
    if (now === this.seen) return;
    this.seen = now;
    this.onChange();
  }
}
