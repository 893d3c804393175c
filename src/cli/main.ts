#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { messageOf } from '../base/errors.js';
import { checkConfig, showConfig } from './check-config.js';
import { health } from './health.js';
import { version } from './version.js';

const usage = `webrtc-pstn-gateway ${version}

  webrtc-pstn-gateway serve [--config FILE]         run the gateway; without a file, the demo
  webrtc-pstn-gateway check-config FILE             list every fault of a file, each with its remedy
  webrtc-pstn-gateway print-config [--config FILE]  what is in force, secrets as ***
  webrtc-pstn-gateway health [--config FILE]        0 when the gateway on this machine is alive
  webrtc-pstn-gateway token --site KEY [--to NAME]  print a call ticket of a website, for trying; token --help tells how
  webrtc-pstn-gateway dtmf-check SIP_URI            play telephone-events to any gateway and judge it by rule;
                                                    dtmf-check --help tells how
  webrtc-pstn-gateway --help | --version

The variable GATEWAY_CONFIG names a file where --config does not. Any key can be set by the
environment, e.g. GATEWAY_HTTP__PORT=8081; config/gateway.example.yaml explains them all.
`;

function misused(problem: string): number {
  process.stderr.write(`webrtc-pstn-gateway: ${problem}\n\n${usage}`);
  return 2;
}

/** Runs a command line and resolves with the exit status. */
async function main(args: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  if (args[0] === 'token') {
    const { token } = await import('./token.js');
    return await token(args.slice(1), environment);
  }
  if (args[0] === 'dtmf-check') {
    const { dtmfCheck } = await import('./dtmf-check.js');
    return await dtmfCheck(args.slice(1));
  }
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { config: { type: 'string' }, help: { type: 'boolean', short: 'h' }, version: { type: 'boolean', short: 'v' } },
  });
  if (values.help === true || values.version === true) {
    process.stdout.write(values.help === true ? usage : `${version}\n`);
    return 0;
  }
  const [command, argument, ...extra] = positionals;
  const file = values.config ?? environment['GATEWAY_CONFIG'];
  if (command === undefined) return misused('name a command');
  if (extra.length > 0 || (argument !== undefined && command !== 'check-config')) return misused(`${command} takes no such argument`);
  switch (command) {
    case 'serve': {
      // The other commands need none of the gateway itself, and should be quick.
      const { serve } = await import('./serve.js');
      return await serve(file, environment);
    }
    case 'check-config':
      return argument === undefined && file === undefined
        ? misused('check-config needs a file')
        : checkConfig(argument ?? file ?? '', environment);
    case 'print-config':
      return showConfig(file, environment);
    case 'health':
      return await health(file, environment);
    default:
      return misused(`there is no command "${command}"`);
  }
}

try {
  // What has been stopped holds nothing; should a library still hold a handle, it must not keep the process.
  process.exit(await main(process.argv.slice(2), process.env));
} catch (thrown) {
  process.exit(misused(messageOf(thrown)));
}
