/** The gateway's media plane in a process of its own, driven over IPC: what `plane-engine.ts` starts. */
import { SystemClock } from '../../src/base/clock.js';
import type { SessionId } from '../../src/base/ids.js';
import { silentLog } from '../../src/base/log.js';
import type { LegOptions, MediaPlane } from '../../src/media/plane.js';

export type MediaCommand =
  | { readonly id: number; readonly do: 'begin'; readonly call: string; readonly kind: 'webrtc' | 'udp'; readonly offer: string }
  | { readonly id: number; readonly do: 'complete'; readonly call: string; readonly answer: string }
  | { readonly id: number; readonly do: 'end'; readonly call: string }
  | { readonly id: number; readonly do: 'stop' };

export interface MediaReply {
  readonly id: number;
  readonly value?: string;
  readonly error?: string;
}

type PlaneModule = typeof import('../../src/media/embedded/embedded-media-plane.js');

// The built plane, since its worker is a file of its own.
const { EmbeddedMediaPlane } = (await import(
  new URL('../../dist/media/embedded/embedded-media-plane.js', import.meta.url).href
)) as PlaneModule;
const plane: MediaPlane = new EmbeddedMediaPlane(
  {
    workers: 1,
    bindAddress: '127.0.0.1',
    browserPorts: { min: 21_000, max: 22_999 },
    trunkPorts: { min: 23_000, max: 26_999 },
    portQuarantineMs: 1_000,
    setupTimeoutMs: 15_000,
    silenceAfterMs: 5_000,
    learnWindowMs: 5_000,
    learnPackets: 5,
  },
  { clock: new SystemClock(), log: silentLog },
);
plane.onEvent(() => {});
await plane.start();

const answers = new Map<string, string>();
const codecs = ['PCMU'] as const;
const legOptions = (kind: 'webrtc' | 'udp'): LegOptions =>
  kind === 'webrtc' ? { kind, codecs } : { kind, codecs, learnFrom: ['127.0.0.0/8'] };

async function obey(command: MediaCommand): Promise<string> {
  switch (command.do) {
    case 'begin': {
      const session = command.call as SessionId;
      await plane.open(session);
      answers.set(command.call, await plane.answer(session, 'a', command.offer, legOptions(command.kind)));
      return plane.offer(session, 'b', legOptions('udp'));
    }
    case 'complete':
      await plane.accept(command.call as SessionId, 'b', command.answer);
      return answers.get(command.call) ?? '';
    case 'end':
      await plane.close(command.call as SessionId);
      return '';
    case 'stop':
      await plane.stop();
      return '';
  }
}

process.on('message', (command: MediaCommand) => {
  obey(command).then(
    (value) => process.send?.({ id: command.id, value } satisfies MediaReply),
    (thrown: unknown) => process.send?.({ id: command.id, error: String(thrown) } satisfies MediaReply),
  );
});
process.on('disconnect', () => process.exit(0));
process.send?.({ id: 0 } satisfies MediaReply);
