/**
 * A SIP message in memory. The parser makes them, the serializer writes them, and everything
 * between works on them. Header names are kept as given and compared without case; compact forms
 * are expanded when parsed (RFC 3261 §7.3.3).
 */

import type { Parameters } from '../grammar.js';

export type { Parameters } from '../grammar.js';
export type { NameAddressValue } from '../name-address.js';
export type { SipUri } from '../uri.js';

/** One header line of the message, unfolded. */
export interface HeaderLine {
  readonly name: string;
  readonly value: string;
}

/**
 * The header fields in order. `all` splits nothing: a line with commas is one value, except where
 * the parser's typed readers (`readVias`, `readContacts`, …) know the grammar.
 */
export class HeaderFields {
  private readonly lines: { name: string; key: string; value: string }[] = [];

  get(name: string): string | undefined {
    const key = name.toLowerCase();
    for (const line of this.lines) if (line.key === key) return line.value;
    return undefined;
  }

  all(name: string): readonly string[] {
    const key = name.toLowerCase();
    const values: string[] = [];
    for (const line of this.lines) if (line.key === key) values.push(line.value);
    return values;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  add(name: string, value: string): this {
    this.lines.push({ name, key: name.toLowerCase(), value });
    return this;
  }

  /** Puts a line before all others of any name: how a Via or Route is pushed. */
  prepend(name: string, value: string): this {
    this.lines.unshift({ name, key: name.toLowerCase(), value });
    return this;
  }

  /** Replaces every line of this name by one, in the place of the first. */
  set(name: string, value: string): this {
    const key = name.toLowerCase();
    const at = this.lines.findIndex((line) => line.key === key);
    if (at < 0) return this.add(name, value);
    this.lines[at] = { name, key, value };
    for (let i = this.lines.length - 1; i > at; i -= 1) if (this.lines[i]?.key === key) this.lines.splice(i, 1);
    return this;
  }

  remove(name: string): this {
    const key = name.toLowerCase();
    for (let i = this.lines.length - 1; i >= 0; i -= 1) if (this.lines[i]?.key === key) this.lines.splice(i, 1);
    return this;
  }

  [Symbol.iterator](): Iterator<HeaderLine> {
    return this.lines[Symbol.iterator]();
  }
}

export interface SipRequestMessage {
  readonly kind: 'request';
  readonly method: string;
  /** As it stands on the request line. */
  readonly requestUri: string;
  readonly headers: HeaderFields;
  readonly body: Buffer;
}

export interface SipResponseMessage {
  readonly kind: 'response';
  readonly status: number;
  readonly reason: string;
  readonly headers: HeaderFields;
  readonly body: Buffer;
}

export type SipMessage = SipRequestMessage | SipResponseMessage;

/** One Via value (RFC 3261 §20.42). */
export interface Via {
  /** `UDP`, `TCP`, `TLS`, `WS`, `WSS`, upper case. */
  readonly transport: string;
  readonly host: string;
  readonly port?: number;
  readonly parameters: Parameters;
}

export interface CSeq {
  readonly number: number;
  readonly method: string;
}
