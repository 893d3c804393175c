import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readStun, writeStun } from '../../src/media/stun/stun-message.js';
import type { ClientPath } from '../../src/turn/client-path.js';
import { makeCredentials } from '../../src/turn/credentials.js';
import { EmbeddedTurn } from '../../src/turn/embedded-turn.js';
import { StreamFraming } from '../../src/turn/stream-framing.js';
import { TurnServer } from '../../src/turn/turn-server.js';
import { attribute, method } from '../../src/turn/turn-words.js';
import { FakeClock } from '../support/fake-clock.js';
import { freePortRun } from '../support/free-ports.js';
import { TurnClient, udpTransport } from '../support/turn-client.js';

const budgetMs = Number(process.env['FUZZ_MS'] ?? 2000);
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);

/** Mulberry32: small, seeded, good enough to pick bytes. */
function randomBelow(from: number): (limit: number) => number {
  let state = from >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

const below = randomBelow(seed);
const bytesOf = (length: number): Buffer => Buffer.from(Array.from({ length }, () => below(256)));
const types = [...Object.values(attribute), 0x0001, 0x001a, 0x7777, 0x8022];

/** A message of this protocol, as a client may send it that means no good. */
function message(): Buffer {
  const attributes = Array.from({ length: below(6) }, () => ({ type: types[below(types.length)] ?? 0, value: bytesOf(below(24)) }));
  const whole = writeStun({
    method: Object.values(method)[below(7)] ?? 1,
    kind: (['request', 'request', 'indication', 'success', 'error'] as const)[below(5)] ?? 'request',
    transactionId: bytesOf(12),
    attributes,
    ...(below(2) === 0 ? { key: 'k' } : {}),
    fingerprint: below(2) === 0,
  });
  for (let times = below(3); times > 0; times -= 1) whole[below(whole.length)] = below(256);
  return whole;
}

function channelData(): Buffer {
  const data = bytesOf(below(40));
  return Buffer.concat([Buffer.from([0x40 + below(0x40), below(256), 0, data.length]), data]);
}

const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);

describe(`TURN under a stream of oddities (FUZZ_SEED=${seed})`, () => {
  it('cuts a stream into the same messages wherever it is cut, and stops for ever at what is none', () => {
    let streams = 0;
    for (const endMs = performance.now() + budgetMs; performance.now() < endMs; streams += 1) {
      const pieces = Array.from({ length: 1 + below(5) }, () => (below(2) === 0 ? padded(channelData()) : message()));
      const tail = below(3) === 0 ? bytesOf(1 + below(30)) : Buffer.alloc(0);
      const stream = Buffer.concat([...pieces, tail]);
      const whole = new StreamFraming().push(stream);
      const framing = new StreamFraming();
      const out: Buffer[] = [];
      let broken = false;
      for (let at = 0; at < stream.length && !broken; ) {
        const size = 1 + below(20);
        const messages = framing.push(stream.subarray(at, at + size));
        broken = messages === undefined;
        out.push(...(messages ?? []));
        at += size;
        expect(framing.waitingBytes).toBeLessThanOrEqual(4_116);
      }
      // Cut up, a stream is found out no later than as a whole.
      if (whole === undefined) expect(broken).toBe(true);
      else expect(broken ? undefined : out).toEqual(whole);
    }
    expect(streams).toBeGreaterThan(50);
  });

  it('reads what it wrote, and never more than was there', () => {
    for (const endMs = performance.now() + budgetMs / 2; performance.now() < endMs; ) {
      const bytes = below(4) === 0 ? bytesOf(below(60)) : message();
      const read = readStun(bytes);
      const total = (read?.attributes ?? []).reduce((sum, { value }) => sum + 4 + value.length, 0);
      expect(total).toBeLessThanOrEqual(bytes.length);
    }
  });

  describe('with a server', () => {
    let turn: EmbeddedTurn;
    let proved: TurnClient;
    const clock = new FakeClock();
    const secret = 'the secret of the fuzz test';
    let options: ConstructorParameters<typeof TurnServer>[0];

    beforeAll(async () => {
      const ports = await freePortRun(30);
      options = {
        ...{ realm: 'fuzz', secret, relayPorts: { min: ports + 2, max: ports + 29 } },
        peer: { address: '127.0.0.1', bindAddress: '127.0.0.1', ports: { min: ports, max: ports + 1 } },
        quotas: { allocations: 4, allocationsPerUser: 4, allocationsPerAddress: 4, bytesPerSecond: 100_000 },
      };
      turn = new EmbeddedTurn({ ...options, listen: [{ transport: 'udp', host: '127.0.0.1', port: 0 }] }, { clock });
      await turn.start();
      const [listen] = turn.bound();
      if (listen === undefined) throw new Error('it does not listen');
      proved = await TurnClient.connect(listen, makeCredentials(secret, 'page', clock.wallMs() + 600_000));
      expect((await proved.allocate()).code).toBeUndefined();
    });
    afterAll(async () => {
      await proved.dispose();
      await turn.stop();
    });

    it('throws at nothing, and gives no relay to who has proved nothing', () => {
      const server = new TurnServer(options, { clock });
      const answers: Buffer[] = [];
      const client: ClientPath = {
        ...{ id: 'c', address: '192.0.2.7', port: 4711, isStream: true },
        send: (bytes) => answers.push(bytes),
      };
      for (const endMs = performance.now() + budgetMs / 2; performance.now() < endMs; ) {
        server.receive([message, channelData, () => bytesOf(below(60))][below(3)]?.() ?? Buffer.alloc(0), client);
        for (const answer of answers.splice(0)) expect(readStun(answer), answer.toString('hex')).toBeDefined();
      }
      expect(server.allocations).toBe(0);
    });

    it('answers whoever has proved himself, whatever else he asks', async () => {
      const attributes = () =>
        Array.from({ length: below(4) }, () => ({ type: types[below(types.length)] ?? 0, value: bytesOf(below(24)) }));
      const own = new Set<number>([attribute.username, attribute.realm, attribute.nonce, attribute.lifetime]);
      const kinds = ['allocate', 'createPermission', 'channelBind', 'refresh', 'data', 'send'] as const;
      for (const endMs = performance.now() + budgetMs / 2; performance.now() < endMs; ) {
        const kind = kinds[below(kinds.length)] ?? 'refresh';
        await proved.request(kind, [...(below(2) === 0 ? [udpTransport] : []), ...attributes().filter(({ type }) => !own.has(type))]);
      }
      expect((await proved.refresh(600)).code).toBeUndefined();
      expect(turn.liveObjects()['turn_allocation']).toBe(1);
    });
  });
});
