/** Entry of a media worker thread: a `MediaHost` behind a message port. */
import { parentPort, workerData } from 'node:worker_threads';
import { SystemClock } from '../../base/clock.js';
import { GatewayError, messageOf } from '../../base/errors.js';
import type { MediaErrorInfo } from '../plane.js';
import { MediaHost } from './media-host.js';
import type { RequestMessage, WorkerMessage, WorkerRequest, WorkerStart } from './worker-protocol.js';

function say(message: WorkerMessage): void {
  parentPort?.postMessage(message);
}

async function run(host: MediaHost, request: WorkerRequest): Promise<unknown> {
  switch (request.method) {
    case 'open':
      return host.open(request.session);
    case 'offer':
      return host.offer(request.session, request.leg, request.options);
    case 'answer':
      return host.answer(request.session, request.leg, request.offer, request.options);
    case 'accept':
      return host.accept(request.session, request.leg, request.answer);
    case 'sendDigits':
      return host.sendDigits(request.session, request.leg, request.digits);
    case 'sendMessage':
      return host.sendMessage(request.session, request.leg, request.text);
    case 'replace':
      return host.replace(request.session, request.leg);
    case 'drop':
      return host.drop(request.session, request.leg);
    case 'stats':
      return host.stats(request.session);
    case 'statsOf':
      return host.statsOf(request.sessions);
    case 'close':
      return host.close(request.session);
    case 'liveObjects':
      return host.liveObjects();
    case 'shutDown':
      return host.closeAll();
  }
}

async function serve(host: MediaHost, { id, request }: RequestMessage): Promise<void> {
  try {
    say({ type: 'result', id, result: await run(host, request) });
  } catch (thrown) {
    const info: MediaErrorInfo = thrown instanceof GatewayError ? thrown.info : { code: 'wrong-state', detail: messageOf(thrown) };
    say({ type: 'error', id, info, message: messageOf(thrown) });
  }
  if (request.method === 'shutDown') parentPort?.close();
}

// A fault in one call's packet or timer, or a promise of a library that nobody holds, must not end
// the calls of everybody in this thread.
process.on('uncaughtException', (error) => say({ type: 'fault', message: error.stack ?? error.message }));
process.on('unhandledRejection', (reason) => say({ type: 'fault', message: messageOf(reason) }));

const start = workerData as WorkerStart;
const host = await MediaHost.create(start, { clock: new SystemClock(), emit: (event) => say({ type: 'event', event }) });
parentPort?.on('message', (message: RequestMessage) => void serve(host, message));
say({ type: 'ready' });
