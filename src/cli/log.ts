import { Writable } from 'node:stream';
import pino from 'pino';
import type { Log, LogFields } from '../base/log.js';
import { redaction } from './redaction.js';

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** Further paths to blank out. */
  readonly redact: readonly string[];
  /** Lines for people instead of JSON. */
  readonly forPeople: boolean;
}

/** The log of a process, and the way to have all of it written before the process ends. */
export interface ProcessLog {
  readonly log: Log;
  flush(): void;
}

function adapt(logger: pino.Logger, redact: (fields: LogFields) => LogFields): Log {
  return {
    debug: (fields, message) => logger.debug(redact(fields), message),
    info: (fields, message) => logger.info(redact(fields), message),
    warn: (fields, message) => logger.warn(redact(fields), message),
    error: (fields, message) => logger.error(redact(fields), message),
    child: (fields) => adapt(logger.child(redact(fields)), redact),
  };
}

/** `12:30:01 warn  media silent  callId=c-… cause=…`. */
export function lineForPeople(json: string): string {
  const { time, level, msg, ...fields } = JSON.parse(json) as LogFields;
  const clock = String(time).slice(11, 19);
  const facts = Object.entries(fields).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return `${clock} ${String(level).padEnd(5)} ${String(msg)}${facts.length === 0 ? '' : `  ${facts.join(' ')}`}\n`;
}

/** Lines are gathered for so long or so many bytes before they are written: a write costs as much as ten lines. */
const gatherMs = 50;
const gatheredBytes = 16_000;

/** Has what was gathered written a moment after the first of it; nothing runs while nothing is logged. */
function gathered(destination: ReturnType<typeof pino.destination>): pino.DestinationStream {
  let waiting = false;
  const write = (): void => {
    waiting = false;
    destination.flush();
  };
  return {
    write: (line) => {
      destination.write(line);
      if (waiting) return;
      waiting = true;
      setTimeout(write, gatherMs).unref();
    },
  };
}

/** Logs to standard output. */
export function processLog(options: LogOptions): ProcessLog {
  const redact = redaction(options.redact);
  const settings: pino.LoggerOptions = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  };
  if (options.forPeople) {
    const lines = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        process.stdout.write(
          chunk
            .toString('utf8')
            .split('\n')
            .filter((line) => line !== '')
            .map(lineForPeople)
            .join(''),
        );
        done();
      },
    });
    return { log: adapt(pino(settings, lines), redact), flush: () => {} };
  }
  const destination = pino.destination({ dest: 1, sync: false, minLength: gatheredBytes });
  // A reader that goes away must not take the calls with it.
  destination.on('error', () => {});
  return {
    log: adapt(pino(settings, gathered(destination)), redact),
    flush: () => {
      try {
        destination.flushSync();
      } catch {
        // Standard output is gone; there is nobody to tell.
      }
    },
  };
}
