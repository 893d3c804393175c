/** All that is kept and told of calls, made from the configuration. */
import { CallEvents } from '../admin/call-events.js';
import type { Clock } from '../base/clock.js';
import { messageOf } from '../base/errors.js';
import type { Log } from '../base/log.js';
import type { FactSink } from '../call/facts.js';
import { CdrFile } from '../cdr/file.js';
import { CdrFold } from '../cdr/fold.js';
import { RatingDesk } from '../cdr/rating-desk.js';
import { readBack } from '../cdr/read-back.js';
import { RecentRecords } from '../cdr/recent.js';
import type { GatewayConfig } from '../config/schema.js';
import { MediaSampler, type MediaSamplerDeps } from '../story/media-sampler.js';
import { StoryRecorder } from '../story/recorder.js';

const recentRecordCount = 1_000;
const maxWaitingRecords = 10_000;

interface CallRecordsDeps extends Pick<MediaSamplerDeps, 'sessions' | 'stats'> {
  readonly clock: Clock;
  readonly log: Log;
  /** Where what somebody thinks of his call goes in. */
  readonly facts: FactSink;
  /** A record could not be written. */
  readonly onFailure: (kind: 'delayed' | 'lost') => void;
}

/** Call records, in memory and in a file; events for whoever listens; ratings; the stories of calls. */
export class CallRecords {
  readonly recent = new RecentRecords({ capacity: recentRecordCount });
  readonly events: CallEvents;
  readonly ratings: RatingDesk;
  /** Absent: none are kept. */
  readonly stories: StoryRecorder | undefined;
  /** Each is to be given every fact. */
  readonly folds: readonly FactSink[];
  private readonly cdrs: CdrFold;
  private readonly file: CdrFile | undefined;
  private readonly path: string | undefined;
  private readonly sampler: MediaSampler | undefined;
  private readonly log: Log;

  constructor({ cdr, story }: GatewayConfig, deps: CallRecordsDeps) {
    const { clock, log } = deps;
    this.path = cdr.file;
    this.log = log;
    if (cdr.file !== undefined) {
      this.file = new CdrFile({ path: cdr.file, maxWaiting: maxWaitingRecords }, { clock, log, onFailure: deps.onFailure });
    }
    this.cdrs = new CdrFold(
      (record) => {
        this.recent.add(record);
        this.file?.append(record);
      },
      (callId, rating) => {
        this.recent.rate(callId, rating);
        this.file?.append({ type: 'rating', callId, ...rating });
      },
    );
    this.events = new CallEvents({ clock });
    this.ratings = new RatingDesk({ clock, facts: deps.facts });
    const stories = story.calls === 0 ? undefined : new StoryRecorder(story);
    this.stories = stories;
    if (stories !== undefined) {
      const { sessions, stats } = deps;
      this.sampler = new MediaSampler({ clock, log, sessions, stats, onSample: (...sample) => stories.sampled(...sample) });
    }
    this.folds = [this.cdrs.take, this.events.take, this.ratings.take, ...(stories === undefined ? [] : [stories.take])];
  }

  /** What is known of a live call's digits and media so far. */
  notes(callId: string): ReturnType<CdrFold['notes']> {
    return this.cdrs.notes(callId);
  }

  /** Reads the last records back. Rejects when the file cannot be written; one that cannot be read is told of. */
  async start(): Promise<void> {
    await this.file?.check();
    if (this.path === undefined) return;
    try {
      const { records, unreadable } = await readBack(this.path, recentRecordCount);
      for (const record of records) this.recent.add(record);
      if (unreadable > 0) this.log.warn({ file: this.path, lines: unreadable }, 'lines of the file of call records are no call records');
    } catch (thrown) {
      this.log.warn({ file: this.path, error: messageOf(thrown) }, 'the call records of earlier cannot be read back');
    }
  }

  startSampling(): void {
    this.sampler?.start();
  }

  /** Writes what waits. */
  async stop(): Promise<void> {
    this.sampler?.stop();
    await this.file?.flush();
  }
}
