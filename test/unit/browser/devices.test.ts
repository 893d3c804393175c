import { describe, expect, it } from 'vitest';
import { silentLog } from '../../../src/base/log.js';
import { defaultRegistration } from '../../../src/browser/options.js';
import { Registrar } from '../../../src/browser/registrar.js';
import type { ExtraHeaders, FlowRef, SipResponse } from '../../../src/sip/port.js';
import { FakeClock } from '../../support/fake-clock.js';
import { type FakeSip, headersOf } from '../../support/fake-sip.js';
import { nothing, Scene, sdp } from '../call/scene.js';

const instance = '+sip.instance="<urn:uuid:0f2b3c4d-1111-2222-3333-444455556666>"';
/** As JsSIP writes it. */
const ofJsSip = `<sip:k3j2@a1b2.invalid;transport=ws>;${instance};reg-id=1;expires=600`;
/** As SIP.js writes it. */
const ofSipJs = `<sip:x9y8@c3d4.invalid;transport=ws>;${instance};expires=600`;

function registrar(limits: Partial<typeof defaultRegistration> = {}) {
  const clock = new FakeClock();
  const moves: string[] = [];
  const one = new Registrar(
    { ...defaultRegistration, ...limits },
    { clock, log: silentLog, onMoved: (from, to) => moves.push(`${from} to ${to}`) },
  );
  const register = (flow: string, contacts: readonly string[], more: ExtraHeaders = [], user = 'ann') => {
    let answer: { readonly status: number; readonly headers: ExtraHeaders } = { status: 0, headers: [] };
    const source = { flow: flow as FlowRef, transport: 'wss', address: '192.0.2.1', port: 1 } as const;
    const headers = headersOf([...contacts.map((contact) => ['Contact', contact] as const), ...more]);
    one.register(
      { name: user },
      {
        ...{ method: 'REGISTER', source, requestUri: '', from: { uri: '' }, to: { uri: '' }, headers },
        respond: (status, options = {}) => {
          answer = { status, headers: options.headers ?? [] };
        },
      },
    );
    const { status } = answer;
    return { status, all: (name: string) => answer.headers.filter(([key]) => key === name).map(([, value]) => value) };
  };
  const flows = (user = 'ann') => one.bindingsOf(user).map(({ flow }) => flow);
  return { one, clock, moves, register, flows };
}

describe('a device that registers', () => {
  it('finds itself in the answer as stock user agents look for themselves', () => {
    for (const contact of [ofJsSip, ofSipJs]) {
      const { register } = registrar();
      expect(register('f1', [contact]).all('Contact')).toEqual([contact]);
    }
  });

  it('is told of RFC 5626 when it knows it and has a registration id, and not otherwise', () => {
    const { register } = registrar();
    const supported: ExtraHeaders = [['Supported', 'path,gruu,outbound']];
    const told = register('f1', [ofJsSip], supported);
    expect([told.all('Require'), told.all('Flow-Timer')]).toEqual([['outbound'], ['120']]);
    expect(register('f1', [ofJsSip]).all('Require')).toEqual([]);
    expect(register('f1', [ofSipJs], supported).all('Require')).toEqual([]);
  });

  it.each([
    ['with the instance and id of JsSIP', ofJsSip],
    ['with the instance of SIP.js', ofSipJs],
    ['with nothing but its address', '<sip:x@y.invalid>;expires=600'],
  ])('over another connection %s is moved, not doubled', (_, contact) => {
    const { register, flows, moves, one } = registrar();
    register('f1', [contact]);
    expect(register('f2', [contact]).all('Contact')).toHaveLength(1);
    expect([flows(), moves]).toEqual([['f2'], ['f1 to f2']]);
    one.flowClosed('f1' as FlowRef);
    expect(flows()).toEqual(['f2']);
  });

  it('is not called while its connection is lost, and comes back to the calls it had', () => {
    const { register, flows, moves, one } = registrar();
    register('f1', [ofJsSip]);
    one.flowClosed('f1' as FlowRef);
    expect([flows(), one.userOn('f1' as FlowRef), one.liveObjects()]).toEqual([[], undefined, { registration: 0 }]);
    expect(register('f9', []).all('Contact')).toEqual([]);
    register('f2', [ofJsSip]);
    expect([flows(), moves]).toEqual([['f2'], ['f1 to f2']]);
  });

  it('that comes back after its time is a new one', () => {
    const { register, moves, one, clock } = registrar();
    register('f1', [ofJsSip]);
    one.flowClosed('f1' as FlowRef);
    clock.advance(600_000);
    register('f2', [ofJsSip]);
    expect(moves).toEqual([]);
  });

  it('is not moved by another user who names the same instance', () => {
    const { register, flows, moves } = registrar();
    register('f1', [ofJsSip]);
    register('f2', [ofJsSip], [], 'bob');
    expect([flows('ann'), flows('bob'), moves]).toEqual([['f1'], ['f2'], []]);
  });

  it('is one of several of its user, each removed by itself or all by *', () => {
    const { register, flows } = registrar();
    const second = ofJsSip.replace('6666', '7777');
    register('f1', [ofJsSip]);
    register('f2', [second]);
    expect(flows()).toEqual(['f2', 'f1']);
    expect(register('f1', [ofJsSip.replace('expires=600', 'expires=0')]).all('Contact')).toEqual([second]);
    register('f1', [ofJsSip]);
    register('f1', ['*'], [['Expires', '0']]);
    expect(flows()).toEqual([]);
  });

  it('that has lost its connection makes room for one that has one', () => {
    const { register, flows, one } = registrar({ maxFlowsPerUser: 2 });
    const device = (n: number): string => `<sip:d${n}@y.invalid>;expires=600`;
    register('f1', [device(1)]);
    register('f2', [device(2)]);
    one.flowClosed('f2' as FlowRef);
    register('f3', [device(3)]);
    expect(flows()).toEqual(['f3', 'f1']);
  });

  it('takes the connection over from whoever registered on it before', () => {
    const { register, flows, one } = registrar();
    register('f1', [ofJsSip]);
    register('f1', [ofSipJs], [], 'bob');
    expect([flows('ann'), flows('bob'), one.userOn('f1' as FlowRef)?.name]).toEqual([[], ['f1'], 'bob']);
  });

  it.each([
    ['two addresses at once', ['<sip:a@y.invalid>', '<sip:b@y.invalid>'], 400],
    ['an instance without a name', ['<sip:a@y.invalid>;+sip.instance=""'], 400],
    ['an instance without end', [`<sip:a@y.invalid>;+sip.instance="${'x'.repeat(200)}"`], 400],
    ['a registration id of 0', [ofJsSip.replace('reg-id=1', 'reg-id=0')], 400],
    ['a registration id without an instance, which counts for nothing', ['<sip:a@y.invalid>;reg-id=1'], 200],
    ['a time too brief', [ofJsSip.replace('600', '10')], 423],
  ])('with %s is answered', (_, contacts, status) => {
    const { register, flows } = registrar();
    expect(register('f1', contacts).status).toBe(status);
    expect(flows()).toHaveLength(status === 200 ? 1 : 0);
  });
});

describe('a call of a page whose connection is lost', () => {
  async function registeredOn(page: FakeSip): Promise<SipResponse> {
    const address = { uri: 'sip:demo@gateway.example' };
    const headers = [['Contact', ofJsSip]] as const;
    return await page.request({ method: 'REGISTER', requestUri: 'sip:gateway.example', from: address, to: address, headers });
  }

  it('goes on over the connection the same page registers on, and its loss is noticed in turn', async () => {
    const scene = await new Scene({ calls: { flowGraceMs: 5_000 } }).start();
    await registeredOn(scene.page);
    const call = scene.dial();
    const phone = (await scene.carrier.nextCall()).answer(sdp());
    expect((await call.outcome).kind).toBe('answered');
    await scene.settle();
    scene.sip.breakFlow(scene.pageFlow);
    await scene.settle();
    const flow = scene.sip.connect(scene.page, { transport: 'wss' });
    await registeredOn(scene.page);
    await scene.settle();
    expect([...scene.sip.openDialogs].map((dialog) => dialog.flow)).toContain(flow);
    scene.clock.advance(60_000);
    await scene.settle();
    expect(scene.service.calls()).toMatchObject([{ state: 'connected' }]);
    scene.sip.breakFlow(flow);
    await scene.settle();
    const told = scene.factTypes().filter((type) => type === 'flow-lost' || type === 'reattached');
    expect(told).toEqual(['flow-lost', 'reattached', 'flow-lost']);
    await phone.bye();
    await scene.settle();
    expect(scene.left()).toEqual(nothing());
  });
});
