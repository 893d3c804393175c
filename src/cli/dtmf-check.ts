import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { parseArgs } from 'node:util';
import { formatHostPort } from '../base/address.js';
import { SystemClock } from '../base/clock.js';
import { DtmfCheck, type DtmfCheckOptions } from '../conformance/dtmf-check.js';
import { reportJson, reportText } from '../conformance/report.js';
import { rules } from '../conformance/rules.js';
import type { Direction } from '../conformance/verdict.js';

const usage = `webrtc-pstn-gateway dtmf-check sip:NUMBER@HOST:PORT [options]

Calls the number as a telephone behind one trunk would, is itself the telephone behind the other, plays
telephone-events (RFC 4733) into one end and judges what comes out of the other, rule by rule.
Have the gateway under test send calls for NUMBER to this machine, UDP port --far-end.

  --listen HOST       address of both our ends; default: the one this machine reaches HOST from
  --far-end PORT      where the gateway's call reaches us; default 5080
  --direction WHICH   in: from the caller to the called side; out: the other way; both (default)
  --rule ID           only what tells of this rule, e.g. D6
  --from USER         who calls, in the From header; default +15550100
  --calls N           calls at one time; default 4
  --confirm           play again what broke a rule; only what breaks it again counts
  --json              the whole report as JSON

Status 0: no rule is broken. 1: one is. 2: the check could not be made, or calls for it were refused.
`;

const defaults = { 'far-end': '5080', direction: 'both', from: '+15550100', calls: '4' };
const patienceMs = 10_000;
const directions: Readonly<Record<string, readonly Direction[]>> = { in: ['in'], out: ['out'], both: ['in', 'out'] };

function misused(problem: string): number {
  process.stderr.write(`dtmf-check: ${problem}\n\n${usage}`);
  return 2;
}

/** `dtmf-check`: holds any gateway to the rules of telephone-events; 0 when it keeps them all. */
export async function dtmfCheck(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      listen: { type: 'string' },
      'far-end': { type: 'string' },
      direction: { type: 'string' },
      rule: { type: 'string' },
      from: { type: 'string' },
      calls: { type: 'string' },
      confirm: { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    process.stdout.write(usage);
    return 0;
  }
  const options = await readOptions({ ...defaults, ...values }, positionals);
  if (typeof options === 'string') return misused(options);
  const check = new DtmfCheck({ ...options, confirm: values.confirm === true }, { clock: new SystemClock(), onProgress: progressTeller() });
  const result = await check.run();
  if (result.kind === 'unreachable') {
    process.stderr.write(`dtmf-check: ${result.why}.\n`);
    return 2;
  }
  process.stdout.write((values.json === true ? reportJson : reportText)(result.verdicts, result.exercises));
  if (result.verdicts.some((verdict) => verdict.result === 'fail')) return 1;
  return result.exercises.some(({ noCall }) => noCall === true) ? 2 : 0;
}

type Values = typeof defaults & { readonly listen?: string | undefined; readonly rule?: string | undefined };

/** Options for the check, or what is wrong with the command line. */
async function readOptions(values: Values, positionals: readonly string[]): Promise<DtmfCheckOptions | string> {
  const [target, ...more] = positionals;
  const match = /^sip:[^@\s]+@(\[[0-9a-f:.]+\]|[^:;\s]+)(?::(\d{1,5}))?(?:;\S*)?$/i.exec(target ?? '');
  if (target === undefined || more.length > 0 || match === null) return 'give one address, sip:NUMBER@HOST:PORT';
  const [farEndPort, calls] = [Number(values['far-end']), Number(values.calls)];
  if (!Number.isInteger(farEndPort) || farEndPort < 0 || farEndPort > 65_535) return '--far-end wants a port';
  if (!Number.isInteger(calls) || calls < 1 || calls > 64) return '--calls wants a number from 1 to 64';
  const chosen = directions[values.direction];
  if (chosen === undefined) return '--direction wants in, out or both';
  const rule = values.rule?.toUpperCase();
  if (rule !== undefined && !rules.some(({ id }) => id === rule)) return `--rule wants one of ${rules.map(({ id }) => id).join(', ')}`;
  const host = (match[1] ?? '').replace(/^\[|\]$/g, '');
  const listen = values.listen ?? (await addressToward(host));
  if (listen === undefined) return `${formatHostPort({ host, port: Number(match[2] ?? 5060) })} cannot be reached from here; give --listen`;
  return { target, listen, farEndPort, from: values.from, patienceMs, directions: chosen, calls, ...(rule === undefined ? {} : { rule }) };
}

/** The address this machine would send from; nothing is sent. */
function addressToward(host: string): Promise<string | undefined> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  return new Promise((resolve) => {
    const done = (address: string | undefined): void => {
      socket.close();
      resolve(address);
    };
    socket.once('error', () => done(undefined));
    socket.connect(9, host, () => done(socket.address().address));
  });
}

/** A line that counts, for a person at a terminal. */
function progressTeller(): (done: number, of: number) => void {
  if (!process.stderr.isTTY) return () => {};
  return (done, of) => {
    process.stderr.write(`\r${done} of ${of} calls${done === of ? '\n' : ''}`);
  };
}
