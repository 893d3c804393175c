import { writeFileSync } from 'node:fs';
import { freePort, freePortRun } from './free-ports.js';
import { GatewayProcess } from './gateway-process.js';
import { LossyRelay } from './lossy-relay.js';
import { scratch } from './scratch.js';
import { Sipp } from './sipp.js';
import { TlsBridge } from './tls-bridge.js';
import { testTls } from './tls-material.js';

/** How SIP travels between the gateway and SIPp on both of its sides. */
export type Way = 'udp' | 'tcp' | 'tls' | 'lossy udp';

/** What each side does, as names of scenario files with what stands in them. */
export interface Situation {
  readonly caller: string;
  readonly phone: string;
  readonly callerFill?: Readonly<Record<string, string>>;
  readonly phoneFill?: Readonly<Record<string, string>>;
  /** Calls that reach the phone for each one that is made; 1 when absent. */
  readonly phoneCalls?: number;
}

export interface SituationOptions {
  readonly way: Way;
  /** Keys of the trunk besides its peers. */
  readonly trunk?: Readonly<Record<string, unknown>>;
  /** Sections of the configuration that replace the test's own. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** The number the carrier calls, and the one it is forwarded to. */
const called = '+15550100';
const forwarded = '+15550199';
const loss = 0.2;

/**
 * The built gateway between two SIPps: a carrier calls a number that is forwarded to a telephone, so
 * that both of its trunk sides are other people's software. One phone port serves all situations.
 */
export class SituationRig {
  private readonly open: { dispose(): Promise<void> | void }[] = [];

  private constructor(
    readonly gateway: GatewayProcess,
    private readonly options: SituationOptions,
    private readonly phonePort: number,
    /** Where the gateway, and where the caller, find each other. */
    private readonly ports: { readonly toGateway: number; readonly toPhone: number },
  ) {}

  static async start(options: SituationOptions): Promise<SituationRig> {
    const { way } = options;
    const phonePort = await freePort();
    const tlsPort = await freePort();
    const files = scratch('situation');
    writeFileSync(files.file('cert.pem'), testTls.cert);
    writeFileSync(files.file('key.pem'), testTls.key);
    const before: { dispose(): Promise<void> | void }[] = [{ dispose: () => files.dispose() }];
    const keep = <T extends { dispose(): Promise<void> | void }>(one: T): T => {
      before.push(one);
      return one;
    };
    const toPhone = await wayTo(way, phonePort, keep);
    const transport = way === 'lossy udp' ? 'udp' : way;
    const sipPort = await freePort();
    const gateway = await GatewayProcess.start({
      trunks: [
        {
          id: 'carrier',
          peers: [{ uri: `sip:127.0.0.1:${toPhone};transport=${transport}` }],
          allow: ['127.0.0.0/8'],
          callerId: '+15550000',
          // The phones of the scenarios describe early media and send none.
          earlyMedia: 'relay',
          ...options.trunk,
        },
      ],
      config: {
        sip: {
          listen: [`udp:127.0.0.1:${sipPort}`, `tcp:127.0.0.1:${sipPort}`, `tls:127.0.0.1:${tlsPort}`],
          tls: { cert: files.file('cert.pem'), key: { file: files.file('key.pem') }, ca: files.file('cert.pem') },
        },
        inbound: [{ number: '*', to: { number: forwarded } }],
        ...options.config,
      },
    });
    const toGateway = await wayFrom(way, { sipPort, tlsPort }, keep);
    const rig = new SituationRig(gateway, options, phonePort, { toGateway, toPhone });
    rig.open.push(...before, gateway);
    return rig;
  }

  /** Plays a situation out and fails when either SIPp saw anything else than its scenario says. */
  async play(situation: Situation): Promise<void> {
    const { caller, phone, end } = await this.begin(situation, 1);
    try {
      await caller.finished(25_000);
      await phone.finished(25_000);
    } catch (thrown) {
      throw new Error(
        `${String(thrown)}\n--- caller\n${caller.describe()}\n--- phone\n${phone.describe()}\n--- gateway\n${this.gateway.log.slice(-3_000)}`,
      );
    } finally {
      await end();
    }
  }

  /** Starts both sides for a number of calls. */
  async begin(situation: Situation, calls: number): Promise<{ caller: Sipp; phone: Sipp; end: () => Promise<void> }> {
    const { way } = this.options;
    const transport = way === 'tcp' || way === 'tls' ? ('t1' as const) : ('u1' as const);
    const contactTransport = way === 'lossy udp' ? 'udp' : way;
    const mine: { dispose(): Promise<void> | void }[] = [];
    const keep = <T extends { dispose(): Promise<void> | void }>(one: T): T => {
      mine.push(one);
      return one;
    };
    const end = async (): Promise<void> => {
      for (const one of mine.splice(0).reverse()) await one.dispose();
    };
    // As many repetitions as 64·T1 has room for.
    const patient = ['-max_invite_retrans', '7', '-max_non_invite_retrans', '11'];
    try {
      const phone = keep(
        await Sipp.start({
          scenario: situation.phone,
          port: this.phonePort,
          mediaPort: await freePortRun(4),
          transport,
          calls: calls * (situation.phoneCalls ?? 1),
          fill: { contactPort: String(this.ports.toPhone), contactTransport, ...situation.phoneFill },
          args: patient,
        }),
      );
      const callerPort = await freePort();
      const caller = keep(
        await Sipp.start({
          scenario: situation.caller,
          port: callerPort,
          mediaPort: await freePortRun(4),
          transport,
          calls,
          remote: `127.0.0.1:${this.ports.toGateway}`,
          fill: {
            number: called,
            contactPort: String(await wayTo(way, callerPort, keep)),
            contactTransport,
            ...situation.callerFill,
          },
          args: [...patient, '-r', '5'],
        }),
      );
      return { caller, phone, end };
    } catch (thrown) {
      await end();
      throw thrown;
    }
  }

  async dispose(): Promise<void> {
    for (const one of this.open.splice(0).reverse()) await one.dispose();
  }
}

type Keep = <T extends { dispose(): Promise<void> | void }>(one: T) => T;

/** The port at which the gateway finds a SIPp that listens on `port`. */
async function wayTo(way: Way, port: number, keep: Keep): Promise<number> {
  if (way === 'tls') return keep(await TlsBridge.endingTls(port)).port;
  if (way === 'lossy udp') return keep(await LossyRelay.start({ target: { host: '127.0.0.1', port }, loss, seed: port })).port;
  return port;
}

/** The port at which a SIPp finds the gateway. */
async function wayFrom(way: Way, { sipPort, tlsPort }: { sipPort: number; tlsPort: number }, keep: Keep): Promise<number> {
  if (way === 'tls') return keep(await TlsBridge.startingTls(tlsPort)).port;
  if (way === 'lossy udp') return keep(await LossyRelay.start({ target: { host: '127.0.0.1', port: sipPort }, loss, seed: sipPort })).port;
  return sipPort;
}
