/**
 * The demo carrier as a process. `DEMO_CARRIER_LISTEN` says where it listens (default: any port of
 * 127.0.0.1), `DEMO_GATEWAY_SIP` where it calls back. It prints one line of JSON, `{"sip":"host:port"}`,
 * when it is ready, and ends on SIGTERM or when its standard input closes.
 */
import { formatHostPort, parseHostPort } from '../base/address.js';
import { SystemClock } from '../base/clock.js';
import { messageOf } from '../base/errors.js';
import { DemoCarrier } from './demo-carrier.js';
import { loadPrompts } from './prompts.js';
import { terminalLog } from './terminal-log.js';

const { DEMO_CARRIER_LISTEN, DEMO_GATEWAY_SIP } = process.env;

function say(line: string): void {
  process.stderr.write(`demo line ${line}\n`);
}

async function main(): Promise<void> {
  const listen = parseHostPort(DEMO_CARRIER_LISTEN ?? '127.0.0.1:0', 0);
  const gateway = DEMO_GATEWAY_SIP === undefined ? undefined : parseHostPort(DEMO_GATEWAY_SIP, 5060);
  if (listen === undefined || (gateway === undefined && DEMO_GATEWAY_SIP !== undefined)) {
    process.stderr.write('demo carrier: DEMO_CARRIER_LISTEN and DEMO_GATEWAY_SIP want host:port\n');
    process.exitCode = 1;
    return;
  }
  const carrier = new DemoCarrier(
    { listen, ...(gateway === undefined ? {} : { gateway }) },
    { clock: new SystemClock(), log: terminalLog, prompts: loadPrompts(), tell: say },
  );
  await carrier.start();
  let ending = false;
  const end = (): void => {
    if (ending) return;
    ending = true;
    void carrier.stop().finally(() => process.exit(0));
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  process.stdin.on('end', end).on('close', end).on('error', end).resume();
  process.stdout.write(`${JSON.stringify({ sip: formatHostPort(carrier.address()) })}\n`);
}

main().catch((thrown) => {
  process.stderr.write(`demo carrier: ${messageOf(thrown)}\n`);
  process.exit(1);
});
