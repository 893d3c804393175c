/**
 * The gateway's signalling in a process of its own: what `sip-systems.ts` starts. Logs at info to standard
 * output, and obeys two words on standard input: `live` prints what is alive on standard error, `stop` ends it.
 */
import { createInterface } from 'node:readline';
import { processLog } from '../../src/cli/log.js';
import { sipGateway } from './sip-gateway.js';

const [port, called, cdrFile = 'cdr.jsonl'] = process.argv.slice(2);
const { log, flush } = processLog({ level: 'info', redact: [], forPeople: false });
const gateway = sipGateway({ port: Number(port), called: Number(called), cdrFile }, log);
await gateway.start();

const words = createInterface({ input: process.stdin });
words.on('line', async (word) => {
  if (word === 'live') {
    process.stderr.write(`live ${JSON.stringify(await gateway.liveObjects())}\n`);
    return;
  }
  await gateway.stop();
  flush();
  process.exit(0);
});
process.stderr.write(`ready ${gateway.addresses().sip[0]?.port ?? 0}\n`);
