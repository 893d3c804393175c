import { FakeSip } from '../support/fake-sip.js';
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
    stop: async () => {
      await Promise.all([left.stop(), right.stop()]);
    },
  };
});
