/** Facts that go with a log line. Phone numbers pass through `maskNumber`; digits are never given. */
export type LogFields = Readonly<Record<string, unknown>>;

/** What modules ask of a logger; `fields` first, like pino, so a line can be searched by field. */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  child(fields: LogFields): Log;
}

const nothing = (): void => {};

/** Drops every line. For tests and for parts run on their own. */
export const silentLog: Log = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLog,
};
