import { readFileSync } from 'node:fs';
import { SystemClock } from '../base/clock.js';
import { messageOf } from '../base/errors.js';
import type { Log } from '../base/log.js';
import type { Environment } from '../config/environment.js';
import { type ConfigFault, formatFault } from '../config/fault.js';
import type { GatewayConfig } from '../config/schema.js';
import { resolveSecrets, type Secrets } from '../config/secrets.js';
import { createGateway, type Gateway } from '../gateway.js';
import { banner } from './banner.js';
import { loadDemo, loadFile } from './configuration.js';
import { DemoCarrierProcess } from './demo-carrier.js';
import { type ProcessLog, processLog } from './log.js';
import { version } from './version.js';

/** Paths in the built tree. */
const webFolder = new URL('../web/', import.meta.url);
const carrierProgram = new URL('../demo/main.js', import.meta.url);
const carrierPatienceMs = 10_000;
/** Time to end calls after a fault of ours; then the process ends without them. */
const lastResortMs = 8_000;

function printFaults(faults: readonly ConfigFault[], file: string): void {
  process.stderr.write(`${file}: ${faults.length === 1 ? 'one fault' : `${faults.length} faults`}\n`);
  for (const fault of faults) process.stderr.write(`  ${formatFault(fault)}\n`);
}

interface Ready {
  readonly config: GatewayConfig;
  readonly secrets: Secrets;
}

function prepare(file: string | undefined, environment: Environment): Ready | undefined {
  const name = file ?? 'demo mode';
  const loaded = file === undefined ? loadDemo(environment) : loadFile(file, environment);
  if (!loaded.ok) {
    printFaults(loaded.faults, name);
    return undefined;
  }
  const { secrets, faults } = resolveSecrets(loaded.config, { environment, readFile: (path) => readFileSync(path, 'utf8') });
  if (faults.length > 0) {
    printFaults(faults, name);
    return undefined;
  }
  return { config: loaded.config, secrets };
}

/** First signal: live calls get the drain time. Second: they are ended now. Resolves with the exit status. */
function untilStopped(gateway: Gateway, drainMs: number, { log, flush }: ProcessLog): Promise<number> {
  return new Promise((resolve) => {
    let signals = 0;
    const onSignal = async (signal: NodeJS.Signals): Promise<void> => {
      signals += 1;
      log.info({ signal, signals }, signals === 1 ? 'stopping' : 'stopping now');
      if (signals > 1) return void (await gateway.drain(0));
      await gateway.drain(drainMs);
      await gateway.stop();
      resolve(0);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
    const onFault = (thrown: unknown): void => {
      log.error({ error: messageOf(thrown), stack: thrown instanceof Error ? thrown.stack : undefined }, 'a fault nobody caught; ending');
      flush();
      setTimeout(() => process.exit(1), lastResortMs).unref();
      void gateway.stop().then(() => resolve(1));
    };
    process.once('uncaughtException', onFault);
    process.once('unhandledRejection', onFault);
  });
}

/** SIGHUP: the files of the certificates are read again; calls and connections that are up do not notice. */
function renewOnSignal(gateway: Gateway, config: GatewayConfig, environment: Environment, log: Log): () => void {
  const onSignal = (): void => {
    const { secrets, faults } = resolveSecrets(config, { environment, readFile: (path) => readFileSync(path, 'utf8') });
    const all = faults.length > 0 ? faults.map(formatFault) : gateway.renewCertificates(secrets);
    if (all.length > 0) log.error({ faults: all }, 'certificates not renewed; the old ones stay in use');
    else log.info({}, 'certificates renewed');
  };
  process.on('SIGHUP', onSignal);
  return () => void process.off('SIGHUP', onSignal);
}

/** `serve`: runs the gateway until a signal ends it. Without a file, demo mode. Resolves with the exit status. */
export async function serve(file: string | undefined, environment: Environment): Promise<number> {
  const ready = prepare(file, environment);
  if (ready === undefined) return 1;
  const { config, secrets } = ready;
  const demo = file === undefined;
  const output = processLog({ ...config.log, forPeople: demo });
  const { log } = output;
  const clock = new SystemClock();
  const gateway = createGateway(config, {
    clock,
    log,
    secrets,
    version,
    webFolder,
    ...(demo ? { demoCarrier: new DemoCarrierProcess({ program: carrierProgram, patienceMs: carrierPatienceMs }, { clock, log }) } : {}),
  });
  const stopped = untilStopped(gateway, config.shutdown.drainSeconds * 1000, output);
  try {
    await gateway.start();
  } catch (thrown) {
    output.flush();
    process.stderr.write(`webrtc-pstn-gateway: ${messageOf(thrown)}\n`);
    return 1;
  }
  if (demo) process.stdout.write(banner(version, gateway.addresses()));
  else log.info({ version, ...gateway.addresses() }, 'ready');
  const ignoreRenewals = renewOnSignal(gateway, config, environment, log);
  const status = await stopped;
  ignoreRenewals();
  log.info({}, 'stopped');
  output.flush();
  return status;
}
