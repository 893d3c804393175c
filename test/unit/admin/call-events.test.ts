import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Access } from '../../../src/admin/access.js';
import { CallEvents } from '../../../src/admin/call-events.js';
import type { CallDto } from '../../../src/admin/views.js';
import { completedCall, factAt } from '../../support/call-facts.js';
import { eventuallyTrue } from '../../support/eventually.js';
import { FakeClock } from '../../support/fake-clock.js';

const now: CallDto = {
  ...{ id: 'c-1', direction: 'browser-to-trunk', state: 'connected', from: 'demo', to: '+15*******56', source: '127.0.0.1:50000' },
  ...{ startedAt: '2026-01-02T03:04:05.000Z', silent: [], digits: { fromBrowser: 0, fromTrunk: 0, lost: 0, receipts: [] } },
};

let events: CallEvents;
let server: Server;
beforeEach(async () => {
  events = new CallEvents();
  server = createServer((request, response) => {
    const access = request.headers['x-access'] as Access;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    events.follow('c-1', response, { access, now });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const follow = (access: Access, signal?: AbortSignal): Promise<Response> =>
  fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, {
    headers: { 'x-access': access },
    ...(signal === undefined ? {} : { signal }),
  });

/** Events of a stream that has ended, by name and data. */
async function eventsOf(response: Response): Promise<ReadonlyArray<readonly [string | undefined, Record<string, unknown>]>> {
  const blocks = (await response.text()).split('\n\n').filter((block) => block !== '');
  return blocks.map((block) => [/^event: (.*)$/m.exec(block)?.[1], JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? 'null')]);
}

describe('the events of a call', () => {
  it('begin with how it stands, tell what happens in it alone, and end with it', async () => {
    const response = await follow('full');
    for (const fact of completedCall) {
      events.take({ ...fact, callId: factAt(0, fact, 'c-2').callId });
      events.take(fact);
    }
    const told = await eventsOf(response);
    expect(told[0]).toEqual(['call', now]);
    expect(told.slice(1).map(([type]) => type)).toEqual(completedCall.slice(1).map(({ type }) => type));
    expect(told.find(([type]) => type === 'digit')?.[1]).toEqual({
      ...{ at: '2026-01-02T03:04:08.000Z', id: 1, digit: '5', from: 'browser', by: 'rfc4733', durationMs: 100 },
    });
    expect(told.find(([type]) => type === 'digit-sent')?.[1]).toMatchObject({ id: 1, to: 'trunk', as: 'rfc4733', packets: 7 });
    await eventuallyTrue(() => events.size === 0, { what: 'the stream is forgotten', withinMs: 1000 });
  });

  it('mask numbers and digits for whoever sees masked numbers', async () => {
    const response = await follow('masked');
    for (const fact of completedCall) events.take(fact);
    const told = await eventsOf(response);
    expect(told.filter(([type]) => type === 'digit').map(([, { digit }]) => digit)).toEqual(['•', '•', '•']);
    expect(JSON.stringify(told)).not.toContain('5550123456');
  });

  it('are forgotten when the reader goes', async () => {
    const gone = new AbortController();
    await follow('full', gone.signal);
    expect(events.size).toBe(1);
    gone.abort();
    await eventuallyTrue(() => events.size === 0, { what: 'the stream is forgotten', withinMs: 2000 });
  });

  it('keep no more than a bound for a reader who is slow', async () => {
    const response = await follow('full');
    const silence = completedCall.find(({ type }) => type === 'media-silent');
    if (silence?.type !== 'media-silent') throw new Error('no such fact');
    for (let i = 0; i < 4_000; i += 1) events.take({ ...silence, detail: 'x'.repeat(2_000) });
    await eventuallyTrue(() => events.size === 0, { what: 'the reader is let go', withinMs: 2000 });
    await expect(response.text()).rejects.toThrow();
  });

  it('have 64 readers at most', async () => {
    const gone = new AbortController();
    const readers = await Promise.all(Array.from({ length: 64 }, () => follow('full', gone.signal)));
    expect([readers.length, events.isFull]).toEqual([64, true]);
    gone.abort();
    await eventuallyTrue(() => !events.isFull, { what: 'there is room again', withinMs: 2000 });
  });
});

describe('the events of all calls', () => {
  let clock: FakeClock;
  beforeEach(() => {
    clock = new FakeClock();
    events = new CallEvents({ clock });
    server.removeAllListeners('request');
    server.on('request', (request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      events.followAll(response, { access: request.headers['x-access'] as Access, now: [now] });
    });
  });

  /** What comes until the reader goes. */
  async function read(access: Access, tell: () => void, until: (text: string) => boolean): Promise<string> {
    const gone = new AbortController();
    const response = await follow(access, gone.signal);
    tell();
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      if (until(text)) break;
    }
    gone.abort();
    return text;
  }

  it('begin with those that are up, and tell of each how it begins, goes on and ends', async () => {
    const tell = (): void => {
      for (const fact of completedCall) events.take(fact);
      for (const fact of completedCall) events.take({ ...fact, callId: factAt(0, fact, 'c-2').callId });
    };
    const text = await read('full', tell, (so) => (so.match(/event: ended/g) ?? []).length === 2);
    const names = [...text.matchAll(/^event: (.*)$/gm)].map(([, name]) => name);
    expect(names[0]).toBe('calls');
    expect(names.filter((name) => name === 'begun')).toHaveLength(2);
    const data = [...text.matchAll(/^data: (.*)$/gm)].map(([, json]) => JSON.parse(json ?? '') as Record<string, unknown>);
    expect(data[0]).toEqual({ calls: [now] });
    expect(data[1]).toMatchObject({
      id: 'c-1',
      at: '2026-01-02T03:04:05.000Z',
      from: 'demo',
      to: '+15550123456',
      direction: 'browser-to-trunk',
    });
    const states = data.filter(({ id, state }) => id === 'c-2' && state !== undefined).map(({ state }) => state);
    expect(states).toEqual([
      'routed',
      'progress',
      'ringing',
      'ringing',
      'answered',
      'media-up',
      'media-silent',
      'media-resumed',
      'flow-lost',
    ]);
    expect(text).not.toContain('"digit"');
  });

  it('mask numbers for whoever sees masked numbers', async () => {
    const tell = (): void => {
      for (const fact of completedCall) events.take(fact);
    };
    expect(await read('masked', tell, (text) => text.includes('event: ended'))).not.toContain('5550123456');
  });

  it('have a heartbeat while nothing happens, and no timer without a reader', async () => {
    expect(clock.liveTimers).toBe(0);
    const text = await read(
      'full',
      () => clock.advance(45_000),
      (so) => (so.match(/: alive/g) ?? []).length === 3,
    );
    expect(text).toContain('\n\n: alive\n\n: alive\n\n');
    await eventuallyTrue(() => events.size === 0 && clock.liveTimers === 0, { what: 'the stream is forgotten', withinMs: 2000 });
  });
});
