import { SystemClock } from '../../src/base/clock.js';
import { RtpengineEngine } from '../bench/rtpengine-engine.js';
import { freePort, freePortRun } from '../support/free-ports.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { type BridgedMedia, SipB2bua } from './sip-b2bua.js';

/** A gateway to hold to the rules, set up so that calls to `target` reach `farEndPort` of this machine. */
export interface SystemUnderTest {
  readonly name: string;
  readonly target: string;
  readonly farEndPort: number;
  stop(): Promise<void>;
}

/** Ours, putting a number of one trunk through to another. */
export async function ownGateway(): Promise<SystemUnderTest> {
  const farEndPort = await freePort();
  // Four ports a call, and each rests for a while after it.
  const [browserPorts, trunkPorts] = [await freePortRun(2), await freePortRun(400)];
  const ports = { browserPorts: { min: browserPorts, max: browserPorts + 1 }, trunkPorts: { min: trunkPorts, max: trunkPorts + 399 } };
  const gateway = await GatewayProcess.start({
    trunks: [{ id: 'carrier', callerId: '+15550100', peers: [{ uri: `sip:127.0.0.1:${farEndPort}` }] }],
    config: { inbound: [{ number: '*', to: { number: '+15550177' } }], media: { workers: 1, ...ports }, log: { level: 'warn' } },
  });
  return { name: 'webrtc-pstn-gateway', target: `sip:+15550111@127.0.0.1:${gateway.sipPort}`, farEndPort, stop: () => gateway.dispose() };
}

/** Debian's rtpengine behind a B2BUA, as a relay, or with another codec on the called side so that it opens the audio. */
export async function rtpengine(kind: 'relay' | 'transcoding'): Promise<SystemUnderTest> {
  const engine = await RtpengineEngine.start();
  const codec = kind === 'relay' ? {} : { codec: { mask: ['PCMU'], transcode: ['PCMA'] } };
  const media: BridgedMedia = {
    begin: (call, offer) => engine.begin(call, 'udp', kind === 'relay' ? offer : withoutPcma(offer), codec),
    complete: (call, answer) => engine.complete(call, answer),
    end: (call) => engine.end(call),
  };
  const b2bua = new SipB2bua({ clock: new SystemClock(), media });
  const farEndPort = await freePort();
  await b2bua.start({ host: '127.0.0.1', port: farEndPort });
  const stop = async (): Promise<void> => {
    await b2bua.stop();
    await engine.stop();
  };
  return { name: `rtpengine, ${kind}`, target: b2bua.uri(), farEndPort, stop };
}

/** So that the one codec of each side is another one. */
function withoutPcma(offer: string): string {
  return offer.replace(/^(m=audio .*) 8\b/m, '$1').replace(/^a=rtpmap:8 .*\r\n/m, '');
}
