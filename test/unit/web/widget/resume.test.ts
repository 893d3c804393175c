import { beforeEach, describe, expect, it } from 'vitest';
import { CallMemory, type KeptCall, resumeHeaders } from '../../../../src/web/widget/resume.js';
import { settle } from '../../../support/fake-clock.js';

const call: Omit<KeptCall, 'keptAtMs'> = {
  token: 'T0ken_-',
  callId: 'abc',
  localTag: 'ours',
  remoteTag: 'theirs',
  peer: 'sales',
  startedAtMs: 1_000,
  muted: true,
  held: false,
};

/** Locks that several pages of one browser share. */
class Locks {
  private readonly held = new Set<string>();

  readonly manager = {
    request: async (name: string, ...rest: unknown[]): Promise<unknown> => {
      const run = rest.at(-1) as () => Promise<unknown>;
      if (this.held.has(name)) throw new DOMException('', 'TimeoutError');
      this.held.add(name);
      try {
        return await run();
      } finally {
        this.held.delete(name);
      }
    },
  } as unknown as LockManager;

  get names(): readonly string[] {
    return [...this.held];
  }

  /** As when a page is left. */
  clear(): void {
    this.held.clear();
  }
}

describe('the memory of a call', () => {
  let items: Map<string, string>;
  let locks: Locks;
  let nowMs: number;

  beforeEach(() => {
    items = new Map();
    locks = new Locks();
    nowMs = 10_000;
  });

  function memory(key = 'call-button a', manager: LockManager | undefined = locks.manager): CallMemory {
    const store = {
      getItem: (name: string) => items.get(name) ?? null,
      setItem: (name: string, value: string) => void items.set(name, value),
      removeItem: (name: string) => void items.delete(name),
    };
    return new CallMemory({ key }, { store: () => store, nowMs: () => nowMs, locks: manager });
  }

  it('gives the call back to the same button of the page that comes after', async () => {
    memory().keep(call);
    locks.clear();
    nowMs += 3_000;
    expect(await memory('call-button b').find()).toBeUndefined();
    expect(await memory().find()).toEqual({ ...call, keptAtMs: 10_000 });
  });

  it('gives nothing back of a call that is over', async () => {
    const one = memory();
    one.keep(call);
    one.forget();
    await settle();
    expect([await memory().find(), items.size, locks.names]).toEqual([undefined, 0, []]);
  });

  it('does not give a call to the copy of a tab while the tab itself has it', async () => {
    memory().keep(call);
    expect(await memory().find()).toBeUndefined();
    expect(items.size).toBe(0);
  });

  it('holds on to what it found, so that a second reload finds it too', async () => {
    memory().keep(call);
    locks.clear();
    await memory().find();
    expect(locks.names).toEqual(['call-button abc']);
    expect(await memory().find(), 'in a copy of the tab').toBeUndefined();
  });

  it('does without locks where a page has none', async () => {
    memory('k', undefined).keep(call);
    const without = new CallMemory(
      { key: 'k' },
      {
        store: () => ({ getItem: (name) => items.get(name) ?? null, setItem: () => {}, removeItem: () => {} }),
        nowMs: () => nowMs,
        locks: undefined,
      },
    );
    expect(await without.find()).toMatchObject({ callId: 'abc' });
  });

  it('forgets what was left for five minutes', async () => {
    memory().keep(call);
    locks.clear();
    nowMs += 5 * 60_000;
    expect([await memory().find(), items.size]).toEqual([undefined, 0]);
  });

  it.each(['', 'null', '{}', '{"token":1,"callId":"x"}', 'no JSON'])('takes %j for nothing', async (text) => {
    items.set('call-button a', text);
    expect(await memory().find()).toBeUndefined();
  });

  it('is none where a page may store nothing', async () => {
    const forbidden = new CallMemory(
      { key: 'k' },
      {
        store: () => {
          throw new DOMException('', 'SecurityError');
        },
        nowMs: () => 0,
        locks: undefined,
      },
    );
    forbidden.keep(call);
    expect(await forbidden.find()).toBeUndefined();
    forbidden.forget();
  });
});

describe('the headers that take a call back', () => {
  it('name the dialog as the gateway has it, and prove whose it is', () => {
    expect(resumeHeaders(call)).toEqual(['Replaces: abc;to-tag=theirs;from-tag=ours', 'X-Call-Token: T0ken_-']);
  });
});
