import { expect, it } from 'vitest';
import type { SipDialog } from '../../../../src/sip/port.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { startStack, until, uriOf } from '../../../support/sip-rigs.js';

const sdp = 'v=0\r\n';

it('gets both offers through when both ends send one at the same time', async () => {
  const clock = new FakeClock();
  const [caller, callee] = await Promise.all([startStack({}, { clock }), startStack({}, { clock })]);
  let far: SipDialog | undefined;
  let acknowledged = false;
  callee.onCall((call) => {
    far = call.answer(sdp);
    far.onOffer((offer) => offer.accept('v=0\r\na=far\r\n'));
    far.onAck(() => {
      acknowledged = true;
    });
  });
  const outcome = await caller.call({ requestUri: uriOf(callee), from: { uri: 'sip:a@b.example' }, offer: sdp }).outcome;
  if (outcome.kind !== 'answered') throw new Error(outcome.kind);
  const near = outcome.dialog;
  near.onOffer((offer) => offer.accept('v=0\r\na=near\r\n'));
  await until(() => acknowledged && far !== undefined);
  const results: unknown[] = [];
  void near.offer(sdp).then((result) => results.push(['near', result]));
  void far?.offer(sdp).then((result) => results.push(['far', result]));
  await until(() => (caller.liveObjects()['transaction'] ?? 0) >= 3);
  await until(() => {
    clock.advance(5);
    return results.length === 2;
  });
  expect(results).toEqual([
    ['far', { status: 200, sdp: 'v=0\r\na=near\r\n' }],
    ['near', { status: 200, sdp: 'v=0\r\na=far\r\n' }],
  ]);
  expect(clock.nowMs()).toBeGreaterThanOrEqual(2100);
  expect(clock.nowMs()).toBeLessThan(5000);
  const stopped = Promise.all([caller.stop(), callee.stop()]);
  let done = false;
  void stopped.then(() => {
    done = true;
  });
  await until(() => {
    clock.advance(5);
    return done;
  });
});
