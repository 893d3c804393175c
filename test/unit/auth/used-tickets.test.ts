import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UsedTicketFile } from '../../../src/auth/used-ticket-file.js';
import { UsedTickets } from '../../../src/auth/used-tickets.js';
import { silentLog } from '../../../src/base/log.js';
import { FakeClock } from '../../support/fake-clock.js';

describe('used tickets', () => {
  it('are forgotten once they have expired, and not before', () => {
    const clock = new FakeClock();
    const used = new UsedTickets(() => {}, { clock });
    const goodForMs = (ms: number): number => clock.wallMs() + ms;
    used.use('long', goodForMs(3_600_000));
    for (let count = 0; count < 1_000; count += 1) used.use(`short ${count}`, goodForMs(1_000));
    clock.advance(2_000);
    for (let count = 0; count < 500; count += 1) used.use(`later ${count}`, goodForMs(1_000));
    expect(used.size).toBeLessThan(600);
    expect(used.use('long', goodForMs(3_600_000))).toBe(false);
  });
});

describe('the file of used tickets', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tickets-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('remembers over a restart what is not over yet, and passes over a line that was cut off', async () => {
    const clock = new FakeClock();
    const path = join(folder, 'used.jsonl');
    const file = new UsedTicketFile({ path }, { clock, log: silentLog });
    expect(await file.read()).toEqual([]);
    file.add('short', clock.wallMs() + 1_000);
    file.add('long', clock.wallMs() + 60_000);
    await file.flush();
    appendFileSync(path, '["half');
    clock.advance(2_000);
    const again = await new UsedTicketFile({ path }, { clock, log: silentLog }).read();
    expect(again.map(({ id }) => id)).toEqual(['long']);
    expect(readFileSync(path, 'utf8').trim().split('\n')).toHaveLength(1);
  });

  it('says what is wrong with it at the start', async () => {
    writeFileSync(join(folder, 'file'), '');
    const path = join(folder, 'file', 'used.jsonl');
    const file = new UsedTicketFile({ path }, { clock: new FakeClock(), log: silentLog });
    await expect(file.read()).rejects.toThrow(/auth\.tickets\.replayFile: .* cannot be used/);
  });

  it('stay few in the file too, which is written anew now and then', async () => {
    const clock = new FakeClock();
    const path = join(folder, 'used.jsonl');
    const file = new UsedTicketFile({ path }, { clock, log: silentLog });
    await file.read();
    for (let count = 0; count < 9_999; count += 1) file.add(`old ${count}`, clock.wallMs() + 1_000);
    await file.flush();
    clock.advance(1_000);
    file.add('new', clock.wallMs() + 1_000);
    await file.flush();
    expect(readFileSync(path, 'utf8').trim().split('\n')).toEqual([JSON.stringify(['new', clock.wallMs() + 1_000])]);
  });
});
