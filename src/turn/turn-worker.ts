/** Entry of the thread of the embedded TURN server: what it relays waits for nothing that SIP or HTTP does. */
import { parentPort, workerData } from 'node:worker_threads';
import { SystemClock } from '../base/clock.js';
import { messageOf } from '../base/errors.js';
import { EmbeddedTurn, type EmbeddedTurnOptions } from './embedded-turn.js';
import type { TurnWorkerMessage, TurnWorkerRequest } from './turn-thread.js';

const say = (message: TurnWorkerMessage): void => parentPort?.postMessage(message);

// A fault in one client's message must not end the relays of everybody.
process.on('uncaughtException', (error) => say({ type: 'fault', message: error.stack ?? error.message }));
process.on('unhandledRejection', (reason) => say({ type: 'fault', message: messageOf(reason) }));

const turn = new EmbeddedTurn(workerData as EmbeddedTurnOptions, { clock: new SystemClock() });

async function take(request: TurnWorkerRequest): Promise<void> {
  switch (request.type) {
    case 'count':
      say({ type: 'counted', id: request.id, objects: turn.liveObjects() });
      return;
    case 'renewTls':
      turn.renewTls(request.tls);
      return;
    case 'stop':
      await turn.stop();
      parentPort?.close();
  }
}

try {
  await turn.start();
  parentPort?.on('message', (request: TurnWorkerRequest) => void take(request));
  say({ type: 'ready', bound: turn.bound() });
} catch (thrown) {
  say({ type: 'failed', message: messageOf(thrown) });
}
