import { type FakeInvite, FakeSip } from '../support/fake-sip.js';
import { until } from '../support/sip-rigs.js';
import { sipPortContract } from './sip-port.contract.js';

sipPortContract('the fake', async () => {
  const { left, right } = FakeSip.pair();
  await Promise.all([left.start(), right.start()]);
  return {
    caller: left,
    callee: right,
    toCallee: { requestUri: 'sip:bob@callee.example' },
    until,
    wire: {
      update: (by, call, _fork, sdp) => (call as FakeInvite).update(by, sdp),
      fork: (call, _status, tag, sdp) => {
        const invite = call as FakeInvite;
        const own = invite.tag;
        invite.tag = tag;
        invite.progress(183, { sdp });
        invite.tag = own;
        return Promise.resolve();
      },
    },
    stop: async () => {
      await Promise.all([left.stop(), right.stop()]);
    },
  };
});
