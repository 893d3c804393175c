import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { rules } from '../../src/conformance/rules.js';
import { ownGateway, rtpengine, type SystemUnderTest } from '../conformance/systems.js';
import { Child } from '../support/child.js';
import { freePort } from '../support/free-ports.js';
import { describeWithPeers } from '../support/peers.js';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const wholeMs = 85_000;

const running: SystemUnderTest[] = [];
afterEach(async () => {
  for (const system of running.splice(0)) await system.stop();
});

async function started(start: () => Promise<SystemUnderTest>): Promise<SystemUnderTest> {
  const system = await start();
  running.push(system);
  return system;
}

/** Runs the command; its status and what it printed. */
async function dtmfCheck(
  ...args: readonly string[]
): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  const child = new Child({ command: process.execPath, args: [main, 'dtmf-check', ...args] });
  const { code } = await child.waitForExit(wholeMs);
  return { code, out: child.stdout, err: child.stderr };
}

const ends = ({ target, farEndPort }: SystemUnderTest): readonly string[] => [target, '--far-end', String(farEndPort), '--calls', '12'];

describe('dtmf-check against our own gateway, from trunk to trunk', () => {
  it.each(['in', 'out'])('breaks no rule and tells something of each: %s', async (direction) => {
    const { code, out, err } = await dtmfCheck(...ends(await started(ownGateway)), '--direction', direction);
    expect(out, err).not.toContain('FAIL');
    for (const { id } of rules) expect(out).toMatch(new RegExp(`^${id} +${direction} +pass `, 'm'));
    expect(code).toBe(0);
  });

  it('says all of it as JSON', async () => {
    const { code, out } = await dtmfCheck(...ends(await started(ownGateway)), '--rule', 'd4', '--direction', 'in', '--json');
    const { verdicts, exercises } = JSON.parse(out) as { verdicts: { rule: string; result: string }[]; exercises: { latencyMs: number }[] };
    expect(verdicts.map(({ rule, result }) => ({ rule, result }))).toEqual([{ rule: 'D4', result: 'pass' }]);
    expect(exercises.length).toBeGreaterThan(3);
    expect(exercises.every(({ latencyMs }) => latencyMs > 0)).toBe(true);
    expect(code).toBe(0);
  });
});

describe('dtmf-check', () => {
  it('leaves with 2 when nobody answers, and when it is told nonsense', async () => {
    const nobody = await dtmfCheck(`sip:1@127.0.0.1:${await freePort()}`, '--far-end', '0');
    expect(nobody).toMatchObject({ code: 2, out: '' });
    expect(nobody.err).toContain('did not answer');
    for (const args of [
      [],
      ['1@127.0.0.1'],
      ['sip:1@127.0.0.1', '--rule', 'D99'],
      ['sip:1@127.0.0.1', '--direction', 'up'],
      ['sip:1@127.0.0.1', '--calls', '0'],
    ]) {
      expect(await dtmfCheck(...args)).toMatchObject({ code: 2, out: '' });
    }
  });
});

describeWithPeers('dtmf-check against rtpengine as a relay', ['rtpengine'], () => {
  it('passes what a relay must do, and fails it for what it lets through', async () => {
    const system = await started(() => rtpengine('relay'));
    expect(await dtmfCheck(...ends(system), '--rule', 'D16', '--direction', 'in')).toMatchObject({ code: 0 });
    const tone = await dtmfCheck(...ends(system), '--rule', 'D14', '--direction', 'in');
    expect(tone).toMatchObject({ code: 1 });
    expect(tone.out).toContain("the key's tone came out beside its events");
  });
});
