import { Socket } from 'node:dgram';
import { afterEach, expect, it, vi } from 'vitest';
import { startStack, until, uriOf } from '../support/sip-rigs.js';

const calls = 200;
const lossRate = 0.2;
/** No message is unluckier than this, so that the outcome does not depend on chance. */
const mostInARow = 3;

afterEach(() => {
  vi.restoreAllMocks();
});

/** Drops a fifth of all datagrams of this process, at random, whatever they are. */
function loseDatagrams(): { readonly dropped: () => number } {
  const streaks = new Map<string, number>();
  let dropped = 0;
  const send = Socket.prototype.send as (...parameters: unknown[]) => void;
  vi.spyOn(Socket.prototype, 'send').mockImplementation(function lossy(this: Socket, ...parameters: unknown[]) {
    const text = String(parameters[0]);
    const key = [/^[^\r]*/, /\r\nVia: [^\r]*/, /\r\nCSeq: [^\r]*/].map((part) => part.exec(text)?.[0] ?? '').join();
    const streak = streaks.get(key) ?? 0;
    if (Math.random() < lossRate && streak < mostInARow) {
      streaks.set(key, streak + 1);
      dropped += 1;
      const done = parameters.at(-1);
      if (typeof done === 'function') setImmediate(() => done(null));
      return;
    }
    streaks.set(key, 0);
    send.apply(this, parameters);
  } as typeof send);
  return { dropped: () => dropped };
}

it('sets up and ends 200 calls while a fifth of all datagrams is lost, and holds nothing afterwards', async () => {
  const timers = { t1Ms: 40, t2Ms: 160, t4Ms: 200 };
  const [caller, callee] = await Promise.all([startStack({ timers }), startStack({ timers })]);
  const loss = loseDatagrams();
  let ended = 0;
  const acknowledged = new Set<string>();
  callee.onCall((call) => {
    call.progress(180);
    const dialog = call.answer('v=0\r\n');
    dialog.onAck(() => {
      acknowledged.add(call.callIdHeader);
    });
    dialog.onEnd(({ by }) => {
      if (by === 'remote') ended += 1;
    });
  });
  const outcomes = await Promise.all(
    Array.from({ length: calls }, async (_, index) => {
      const call = caller.call({ requestUri: uriOf(callee), from: { uri: `sip:caller${index}@example.com` }, offer: 'v=0\r\n' });
      const outcome = await call.outcome;
      if (outcome.kind === 'answered') {
        await until(() => acknowledged.has(call.callIdHeader));
        await outcome.dialog.bye();
      }
      return outcome.kind;
    }),
  );
  expect(outcomes.filter((kind) => kind === 'answered')).toHaveLength(calls);
  await until(() => ended === calls);
  expect(acknowledged.size).toBe(calls);
  expect(loss.dropped()).toBeGreaterThan(calls / 2);
  for (const stack of [caller, callee]) {
    await until(() => {
      const { transaction, dialog, invite, sip_timer } = stack.liveObjects();
      return transaction === 0 && dialog === 0 && invite === 0 && sip_timer === 0;
    }, 10_000);
  }
  await Promise.all([caller.stop(), callee.stop()]);
  expect([caller, callee].map((stack) => stack.liveObjects()['socket'])).toEqual([0, 0]);
});
