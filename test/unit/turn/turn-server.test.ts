import { createSocket, type Socket } from 'node:dgram';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readXorAddress } from '../../../src/media/stun/stun-address.js';
import { attributeOf } from '../../../src/media/stun/stun-message.js';
import { credentialFor, makeCredentials } from '../../../src/turn/credentials.js';
import { EmbeddedTurn, type EmbeddedTurnOptions } from '../../../src/turn/embedded-turn.js';
import { urlOf } from '../../../src/turn/listener.js';
import { attribute } from '../../../src/turn/turn-words.js';
import { eventuallyTrue } from '../../support/eventually.js';
import { FakeClock } from '../../support/fake-clock.js';
import { freePortRun } from '../../support/free-ports.js';
import { testTls } from '../../support/tls-material.js';
import { lifetime, TurnClient, type TurnLogin, udpTransport } from '../../support/turn-client.js';

const secret = 'the secret of the turn server';
const transports = ['udp', 'tcp', 'tls'] as const;

let clock: FakeClock;
let turn: EmbeddedTurn;
/** A media port of the gateway. */
let media: Socket;
let mediaPort: number;
/** Of the relays. */
let relayPorts: { readonly min: number; readonly max: number };
const clients: TurnClient[] = [];
const heard: { readonly data: string; readonly port: number }[] = [];

const login = (expiresInSeconds = 600): TurnLogin => makeCredentials(secret, 'page', clock.wallMs() + expiresInSeconds * 1000);

async function begin(more: Partial<EmbeddedTurnOptions> = {}): Promise<void> {
  turn = new EmbeddedTurn(
    {
      listen: transports.map((transport) => ({ transport, host: '127.0.0.1', port: 0 })),
      tls: testTls,
      realm: 'gateway.test',
      secret,
      relayPorts,
      peer: { address: '203.0.113.10', bindAddress: '127.0.0.1', ports: { min: mediaPort, max: mediaPort + 1 } },
      ...more,
      quotas: { allocations: 8, allocationsPerUser: 4, allocationsPerAddress: 6, bytesPerSecond: 10_000, ...more.quotas },
    },
    { clock },
  );
  await turn.start();
}

async function client(transport: 'udp' | 'tcp' | 'tls' = 'udp', as: TurnLogin | undefined = login()): Promise<TurnClient> {
  const listen = turn.bound().find((one) => one.transport === transport);
  if (listen === undefined) throw new Error(`no listener for ${transport}`);
  const made = await TurnClient.connect(listen, as);
  clients.push(made);
  return made;
}

async function allocated(transport: 'udp' | 'tcp' | 'tls' = 'udp', as?: TurnLogin): Promise<TurnClient> {
  const one = await client(transport, as ?? login());
  const { code } = await one.allocate();
  if (code !== undefined) throw new Error(`no allocation: ${code}`);
  return one;
}

beforeEach(async () => {
  clock = new FakeClock();
  mediaPort = await freePortRun(2);
  const relays = await freePortRun(40);
  relayPorts = { min: relays, max: relays + 39 };
  media = createSocket('udp4');
  media.on('message', (data, { port }) => heard.push({ data: data.toString(), port }));
  await new Promise<void>((resolve) => media.bind(mediaPort, '127.0.0.1', resolve));
});

afterEach(async () => {
  for (const one of clients.splice(0)) await one.dispose();
  await turn.stop();
  expect(turn.liveObjects()).toEqual({ turn_allocation: 0, turn_connection: 0 });
  expect(clock.liveTimers).toBe(0);
  await new Promise<void>((resolve) => media.close(() => resolve()));
  heard.length = 0;
});

const heardByMedia = (data: string) =>
  eventuallyTrue(() => heard.some((one) => one.data === data), { what: `media hears "${data}"`, withinMs: 3_000, everyMs: 2 });

describe.each(transports)('over %s', (transport) => {
  it('tells a client its address without credentials', async () => {
    await begin();
    const { code, message } = await (await client(transport)).once('binding');
    const mapped = readXorAddress(message.bytes, attributeOf(message, attribute.xorMappedAddress) ?? Buffer.alloc(0));
    expect([code, mapped?.address]).toEqual([undefined, '127.0.0.1']);
    expect(mapped?.port).toBeGreaterThan(1023);
  });

  it('relays both ways, by indications and by channels, as the public address of the media ports', async () => {
    await begin();
    const one = await client(transport);
    const { code, relay } = await one.allocate();
    // What media sees, which is what ICE tells the client as well.
    expect([code, relay?.address]).toEqual([undefined, '127.0.0.1']);
    expect(relay?.port).toSatisfy((port: number) => port >= relayPorts.min && port <= relayPorts.max);
    expect((await one.permit('203.0.113.10')).code).toBeUndefined();

    one.send('203.0.113.10', mediaPort, Buffer.from('check'));
    await heardByMedia('check');
    expect(heard[0]?.port).toBe(relay?.port);
    media.send('reply', relay?.port ?? 0, '127.0.0.1');
    expect(await one.next()).toEqual({ peer: { address: '203.0.113.10', port: mediaPort }, data: Buffer.from('reply') });

    expect((await one.bindChannel(0x4001, '203.0.113.10', mediaPort)).code).toBeUndefined();
    one.sendOnChannel(0x4001, Buffer.from('sound'));
    await heardByMedia('sound');
    media.send('other', relay?.port ?? 0, '127.0.0.1');
    expect(await one.next()).toEqual({ channel: 0x4001, data: Buffer.from('other') });
    expect(turn.liveObjects()).toEqual({ turn_allocation: 1, turn_connection: transport === 'udp' ? 0 : 1 });
  });

  it('gives the port back when the client is done', async () => {
    await begin();
    const one = await allocated(transport);
    const { code, message } = await one.refresh(0);
    expect([code, attributeOf(message, attribute.lifetime)?.readUInt32BE(0)]).toEqual([undefined, 0]);
    await eventuallyTrue(() => turn.liveObjects()['turn_allocation'] === 0, { what: 'the relay is gone', withinMs: 1_000, everyMs: 2 });
    expect((await one.permit('203.0.113.10')).code).toBe(437);
  });
});

describe('who may have a relay', () => {
  it('asks for credentials, and does not take a password that is wrong, or one that has expired', async () => {
    await begin();
    const stranger = await client('udp', undefined);
    const { code, message } = await stranger.once('allocate', [udpTransport]);
    expect([code, attributeOf(message, attribute.realm)?.toString()]).toEqual([401, 'gateway.test']);
    expect(attributeOf(message, attribute.nonce)?.length).toBeGreaterThan(20);

    const { username } = login();
    const expired = `${Math.floor(clock.wallMs() / 1000)}:page`;
    for (const wrong of [
      { username, credential: 'guessed' },
      { username: 'admin', credential: credentialFor(secret, 'admin') },
      { username: expired, credential: credentialFor(secret, expired) },
      { username: `${username}x`, credential: credentialFor('another secret', `${username}x`) },
    ]) {
      expect((await (await client('udp', wrong)).allocate()).code, wrong.username).toBe(401);
    }
    expect(turn.liveObjects()['turn_allocation']).toBe(0);
  });

  it('lets a relay go on whose credentials have expired, and begins no other with them', async () => {
    await begin();
    const short = login(60);
    const one = await allocated('udp', short);
    clock.advance(61_000);
    expect((await one.refresh(600)).code).toBeUndefined();
    expect((await (await client('udp', short)).allocate()).code).toBe(401);
  });

  it('asks again when a nonce is old, or was given to another', async () => {
    await begin();
    const [one, other] = [await allocated(), await client()];
    other.nonce = one.nonce;
    other.realm = one.realm;
    expect((await other.once('allocate', [udpTransport])).code).toBe(438);
    await one.refresh(3_600);
    clock.advance(600_000);
    const { nonce } = one;
    expect((await one.once('refresh', [])).code).toBe(438);
    expect((await one.request('refresh', [])).code).toBeUndefined();
    expect(one.nonce).not.toBe(nonce);
  });

  it('lets nobody else touch a relay from the same place', async () => {
    await begin();
    const one = await allocated();
    const own = one.login;
    one.login = login();
    expect((await one.refresh(0)).code).toBe(441);
    one.login = own;
    expect((await one.refresh(600)).code).toBeUndefined();
  });

  it('wants every part of the credentials', async () => {
    await begin();
    const one = await allocated();
    one.nonce = '';
    expect((await one.once('refresh')).code).toBe(401);
  });

  it('answers who proved nothing only so often over UDP', async () => {
    await begin();
    const one = await client('udp', undefined);
    for (let times = 0; times < 200; times += 1) await one.once('binding');
    await expect(one.once('binding', [], { withinMs: 60 })).rejects.toThrow('still not true');
    clock.advance(10);
    await one.once('binding');
    const proved = await client('tcp');
    expect((await proved.allocate()).code).toBeUndefined();
  });
});

describe('where a relay leads', () => {
  const elsewhere = ['127.0.0.1', '10.0.0.1', '169.254.169.254', '203.0.113.11', '0.0.0.0', '255.255.255.255'];

  it.each(elsewhere)('not to %s', async (address) => {
    await begin();
    const one = await allocated();
    expect((await one.permit(address)).code).toBe(403);
    expect((await one.bindChannel(0x4000, address, mediaPort)).code).toBe(403);
    one.send(address, mediaPort, Buffer.from('elsewhere'));
    await one.permit('203.0.113.10');
    one.send('203.0.113.10', mediaPort, Buffer.from('after'));
    await heardByMedia('after');
    expect(heard.map(({ data }) => data)).toEqual(['after']);
  });

  it('not to another port of the same machine', async () => {
    await begin({ peer: { address: '203.0.113.10', bindAddress: '127.0.0.1', ports: { min: mediaPort + 1, max: mediaPort + 1 } } });
    const one = await allocated();
    await one.permit('203.0.113.10');
    expect((await one.bindChannel(0x4000, '203.0.113.10', mediaPort)).code).toBe(403);
    one.send('203.0.113.10', mediaPort, Buffer.from('no'));
    expect((await one.bindChannel(0x4000, '203.0.113.10', mediaPort + 1)).code).toBeUndefined();
    expect(heard).toEqual([]);
  });

  it('lets in nobody but the media ports, and them only with leave', async () => {
    await begin();
    const one = await client();
    const { relay } = await one.allocate();
    const stranger = createSocket('udp4');
    stranger.send('stranger', relay?.port ?? 0, '127.0.0.1');
    media.send('too early', relay?.port ?? 0, '127.0.0.1');
    await one.once('binding');
    await one.permit('203.0.113.10');
    stranger.send('stranger', relay?.port ?? 0, '127.0.0.1');
    media.send('in time', relay?.port ?? 0, '127.0.0.1');
    expect((await one.next()).data.toString()).toBe('in time');
    expect(one.relayed).toEqual([]);
    await new Promise<void>((resolve) => stranger.close(() => resolve()));
  });

  it('is forgotten after five minutes for a permission, and after ten for a channel', async () => {
    await begin();
    const one = await allocated();
    await one.refresh(3_600);
    await one.bindChannel(0x4000, '203.0.113.10', mediaPort);
    clock.advance(299_000);
    one.sendOnChannel(0x4000, Buffer.from('permitted'));
    await heardByMedia('permitted');
    clock.advance(1_000);
    one.sendOnChannel(0x4000, Buffer.from('lapsed'));
    await one.permit('203.0.113.10');
    one.sendOnChannel(0x4000, Buffer.from('again'));
    await heardByMedia('again');
    clock.advance(299_000);
    await one.permit('203.0.113.10');
    clock.advance(1_000);
    one.sendOnChannel(0x4000, Buffer.from('channel lapsed'));
    one.send('203.0.113.10', mediaPort, Buffer.from('last'));
    await heardByMedia('last');
    expect(heard.map(({ data }) => data)).toEqual(['permitted', 'again', 'last']);
  });

  it('has one channel for a port, and one port for a channel', async () => {
    await begin();
    const one = await allocated();
    expect((await one.bindChannel(0x4000, '203.0.113.10', mediaPort)).code).toBeUndefined();
    expect((await one.bindChannel(0x4000, '203.0.113.10', mediaPort)).code).toBeUndefined();
    expect((await one.bindChannel(0x4001, '203.0.113.10', mediaPort)).code).toBe(400);
    expect((await one.bindChannel(0x4000, '203.0.113.10', mediaPort + 1)).code).toBe(400);
    for (const number of [0x3fff, 0x7fff, 0]) expect((await one.bindChannel(number, '203.0.113.10', mediaPort + 1)).code).toBe(400);
  });
});

describe('what is asked for', () => {
  const asked = (type: number, ...value: number[]) => ({ type, value: Buffer.from(value) });

  it.each([
    ['no transport', [], 400],
    ['TCP', [asked(attribute.requestedTransport, 6, 0, 0, 0)], 442],
    ['a transport cut short', [asked(attribute.requestedTransport, 17)], 400],
    ['IPv6', [udpTransport, asked(attribute.requestedAddressFamily, 2, 0, 0, 0)], 440],
    ['a port kept for later', [udpTransport, asked(attribute.evenPort, 0x80)], 508],
    ['such a port', [udpTransport, asked(attribute.reservationToken, 1, 2, 3, 4, 5, 6, 7, 8)], 508],
    ['both', [udpTransport, asked(attribute.evenPort, 0), asked(attribute.reservationToken, 1, 2, 3, 4, 5, 6, 7, 8)], 400],
    ['what nobody knows', [udpTransport, asked(0x7777, 1), asked(0x001a)], 420],
  ])('%s is refused', async (_what, attributes, code) => {
    await begin();
    const answer = await (await client()).request('allocate', attributes);
    expect(answer.code).toBe(code);
    if (code === 420) expect(attributeOf(answer.message, attribute.unknownAttributes)).toEqual(Buffer.from('7777001a', 'hex'));
    expect(turn.liveObjects()['turn_allocation']).toBe(0);
  });

  it('gives an even port to who wants one, and says that there is no second family', async () => {
    await begin();
    for (let times = 0; times < 4; times += 1) {
      const { relay } = await (await client()).allocate([asked(attribute.evenPort, 0)]);
      expect((relay?.port ?? 1) % 2).toBe(0);
    }
    const { code, message } = await (await client()).allocate([asked(attribute.additionalAddressFamily, 2, 0, 0, 0)]);
    expect(code).toBeUndefined();
    expect(attributeOf(message, attribute.addressErrorCode)?.subarray(0, 4)).toEqual(Buffer.from([2, 0, 4, 40]));
  });

  it('answers a repeated request as it did before, and refuses a second one', async () => {
    await begin();
    const one = await client();
    await one.once('allocate', [udpTransport]).then(({ message }) => {
      one.nonce = attributeOf(message, attribute.nonce)?.toString() ?? '';
      one.realm = 'gateway.test';
    });
    const transactionId = Buffer.alloc(12, 5);
    const relayOf = async () => {
      const { message } = await one.once('allocate', [udpTransport], { transactionId });
      return readXorAddress(message.bytes, attributeOf(message, attribute.xorRelayedAddress) ?? Buffer.alloc(0));
    };
    const first = await relayOf();
    expect(first).toBeDefined();
    expect(await relayOf()).toEqual(first);
    expect((await one.allocate()).code).toBe(437);
    expect(turn.liveObjects()['turn_allocation']).toBe(1);
  });

  it.each([
    [undefined, 600],
    [10, 600],
    [1_800, 1_800],
    [100_000, 3_600],
  ])('a lifetime of %s seconds is %i', async (wished, given) => {
    await begin();
    const one = await client();
    const { message } = await one.allocate(wished === undefined ? [] : [lifetime(wished)]);
    expect(attributeOf(message, attribute.lifetime)?.readUInt32BE(0)).toBe(given);
    clock.advance(given * 1000 - 1);
    expect(turn.liveObjects()['turn_allocation']).toBe(1);
    clock.advance(1_001);
    expect(turn.liveObjects()['turn_allocation']).toBe(0);
  });

  it('tells nothing to what it does not know', async () => {
    await begin();
    const one = await allocated();
    for (const bytes of [Buffer.alloc(0), Buffer.from([0x41]), Buffer.from('GET / HTTP/1.1\r\n'), Buffer.alloc(20, 0xff)])
      one.sendRaw(bytes);
    one.sendRaw(Buffer.from([0x40, 0x00, 0xff, 0xff, 1, 2]));
    expect((await one.refresh(600)).code).toBeUndefined();
    expect((await one.request('data')).code).toBe(400);
  });
});

describe('how much there is', () => {
  it('gives one user so many relays, one address so many, and everybody so many', async () => {
    await begin();
    const same = login();
    const codes = [];
    for (let times = 0; times < 5; times += 1) codes.push((await (await client('udp', same)).allocate()).code);
    expect(codes).toEqual([undefined, undefined, undefined, undefined, 486]);
    const others = [];
    for (let times = 0; times < 3; times += 1) others.push((await (await client('tcp')).allocate()).code);
    expect(others).toEqual([undefined, undefined, 486]);
    await turn.stop();
    await begin({ quotas: { allocations: 1, allocationsPerUser: 4, allocationsPerAddress: 6, bytesPerSecond: 10_000 } });
    expect([(await (await client()).allocate()).code, (await (await client()).allocate()).code]).toEqual([undefined, 508]);
  });

  it('says so when no port is left', async () => {
    await begin({ relayPorts: { min: mediaPort, max: mediaPort } });
    expect((await (await client()).allocate()).code).toBe(508);
  });

  it('carries so many bytes a second each way', async () => {
    await begin();
    const one = await client();
    const { relay } = await one.allocate();
    await one.bindChannel(0x4000, '203.0.113.10', mediaPort);
    const packet = (name: string) => Buffer.from(name.padEnd(1_000, '.'));
    for (let at = 0; at < 12; at += 1) one.sendOnChannel(0x4000, packet(`${at}`));
    await one.once('binding');
    expect(heard).toHaveLength(10);
    for (let at = 0; at < 12; at += 1) media.send(packet(`${at}`), relay?.port ?? 0, '127.0.0.1');
    await eventuallyTrue(() => one.relayed.length >= 10, { what: 'ten come back', withinMs: 2_000, everyMs: 2 });
    clock.advance(100);
    one.sendOnChannel(0x4000, packet('later'));
    media.send(packet('later'), relay?.port ?? 0, '127.0.0.1');
    await eventuallyTrue(() => one.relayed.some(({ data }) => data.toString().startsWith('later')), {
      what: 'what comes later passes',
      withinMs: 2_000,
      everyMs: 2,
    });
    expect(one.relayed).toHaveLength(11);
    await heardByMedia(packet('later').toString());
    expect(heard).toHaveLength(11);
  });
});

describe('connections', () => {
  it('end with what a client sends that is no TURN', async () => {
    await begin();
    const one = await allocated('tcp');
    one.sendRaw(Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
    await eventuallyTrue(() => one.closed, { what: 'the connection ends', withinMs: 1_000, everyMs: 2 });
    await eventuallyTrue(() => turn.liveObjects()['turn_allocation'] === 0, { what: 'its relay too', withinMs: 1_000, everyMs: 2 });
  });

  it('end a relay with them', async () => {
    await begin();
    const one = await allocated('tls');
    await one.dispose();
    await eventuallyTrue(() => turn.liveObjects()['turn_allocation'] === 0, { what: 'the relay is gone', withinMs: 1_000, everyMs: 2 });
  });

  it('are not kept when nothing is done with them', async () => {
    await begin();
    const [idle, used] = [await client('tcp'), await allocated('tcp')];
    await eventuallyTrue(() => turn.liveObjects()['turn_connection'] === 2, { what: 'both are there', withinMs: 1_000, everyMs: 2 });
    clock.advance(35_000);
    await eventuallyTrue(() => idle.closed, { what: 'the idle one ends', withinMs: 1_000, everyMs: 2 });
    expect([used.closed, turn.liveObjects()['turn_connection']]).toEqual([false, 1]);
  });

  it('are so many of one address at most', async () => {
    await begin({ quotas: { allocations: 8, allocationsPerUser: 4, allocationsPerAddress: 1, bytesPerSecond: 10_000 } });
    const made: TurnClient[] = [];
    for (let times = 0; times < 22; times += 1) made.push(await client('tcp'));
    await eventuallyTrue(() => made.filter(({ closed }) => closed).length === 1, { what: 'one is closed', withinMs: 1_000, everyMs: 2 });
    expect(turn.liveObjects()['turn_connection']).toBe(21);
  });
});

it('has URLs that browsers take, under the name that it is told', async () => {
  await begin();
  const [udp, tcp, tls] = turn.bound().map(({ port }) => port);
  expect(turn.bound().map((one) => urlOf(one, 'turn.example.com'))).toEqual([
    `turn:turn.example.com:${udp}?transport=udp`,
    `turn:turn.example.com:${tcp}?transport=tcp`,
    `turns:turn.example.com:${tls}?transport=tcp`,
  ]);
});

it('does not start where a port is taken, and leaves nothing behind', async () => {
  await begin();
  const taken = turn.bound().find(({ transport }) => transport === 'tcp');
  const second = new EmbeddedTurn(
    {
      listen: [{ transport: 'udp', host: '127.0.0.1', port: 0 }, taken ?? { transport: 'tcp', host: '127.0.0.1', port: 0 }],
      ...{ realm: 'r', secret, relayPorts, peer: { address: '127.0.0.1', bindAddress: '127.0.0.1', ports: relayPorts } },
      quotas: { allocations: 1, allocationsPerUser: 1, allocationsPerAddress: 1, bytesPerSecond: 1 },
    },
    { clock },
  );
  await expect(second.start()).rejects.toThrow(`cannot listen on tcp:127.0.0.1:${taken?.port}`);
  expect(second.bound()).toEqual([]);
});
