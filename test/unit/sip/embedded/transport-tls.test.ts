import { type ConnectionOptions, createServer, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import type { EmbeddedSip } from '../../../../src/sip/embedded/embedded-sip.js';
import { startStack, until, uriOf } from '../../../support/sip-rigs.js';
import { renewedTls, testTls } from '../../../support/tls-material.js';

const from = { uri: 'sip:a@example.com' };
const tls = [{ transport: 'tls', host: '127.0.0.1', port: 0 }] as const;
const everywhere = {
  naptr: () => Promise.resolve([]),
  srv: () => Promise.resolve([]),
  addresses: () => Promise.resolve(['127.0.0.1']),
};

describe('SIP over TLS', () => {
  const stacks: EmbeddedSip[] = [];
  const sockets: TLSSocket[] = [];

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const stack of stacks.splice(0)) {
      await stack.stop();
      expect(stack.liveObjects()).toEqual({ transaction: 0, dialog: 0, invite: 0, flow: 0, socket: 0, sip_timer: 0 });
    }
  });

  async function stack(material: Parameters<EmbeddedSip['renewTls']>[0]): Promise<EmbeddedSip> {
    const made = await startStack({ listen: tls, tls: material, timers: { t1Ms: 20, t2Ms: 80, t4Ms: 100 } }, { resolver: everywhere });
    made.onCall((call) => call.reject(486));
    stacks.push(made);
    return made;
  }

  const portOf = (made: EmbeddedSip): number => made.bound()[0]?.port ?? 0;
  const callFrom = (caller: EmbeddedSip, requestUri: string) => caller.call({ requestUri, from, offer: 'v=0\r\n' }).outcome;

  async function raw(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
    const socket = tlsConnect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
    sockets.push(socket);
    await new Promise((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
    });
    return socket;
  }

  const ping = (socket: TLSSocket): Promise<string> =>
    new Promise((resolve) => {
      socket.once('data', (data) => resolve(data.toString()));
      socket.write('\r\n\r\n');
    });

  it('shows the certificate of the name that is asked for, and the first one for any other', async () => {
    const callee = await stack({ ...testTls, more: [renewedTls] });
    const port = portOf(callee);
    const shown = async (servername?: string): Promise<string> =>
      String((await raw(port, servername === undefined ? {} : { servername })).getPeerCertificate().subject.CN);
    const first = await shown();
    expect(await shown('carrier.example')).toBe('renewed');
    expect(await shown('nobody.example')).toBe(first);
    expect(first).not.toBe('renewed');
    expect(callee.renewTls({ ...testTls, more: [{ cert: testTls.cert, key: renewedTls.key }] })).toMatch(/key/i);
    expect(await shown('carrier.example'), 'what cannot be used changes nothing').toBe('renewed');
    expect(callee.renewTls({ ...testTls, more: [] })).toBeUndefined();
    expect(await shown('carrier.example')).toBe(first);
  });

  it('takes a new certificate without a restart, and keeps the connections that are up', async () => {
    const callee = await stack(testTls);
    const before = await raw(portOf(callee));
    const oldPrint = before.getPeerCertificate().fingerprint256;
    expect(callee.renewTls(renewedTls)).toBeUndefined();
    const after = await raw(portOf(callee));
    expect(after.getPeerCertificate().subject.CN).toBe('renewed');
    expect(after.getPeerCertificate().fingerprint256).not.toBe(oldPrint);
    expect([await ping(before), await ping(after)]).toEqual(['\r\n', '\r\n']);
  });

  it('trusts the new authorities toward peers', async () => {
    const callee = await stack(renewedTls);
    const caller = await stack(testTls);
    expect(await callFrom(caller, uriOf(callee))).toMatchObject({ kind: 'failed', why: 'tls' });
    expect(caller.renewTls({ ...testTls, ca: renewedTls.cert })).toBeUndefined();
    expect(await callFrom(caller, uriOf(callee))).toMatchObject({ kind: 'rejected', status: 486 });
  });

  it('keeps the old certificate when the new one and its key do not belong together', async () => {
    const callee = await stack(testTls);
    expect(callee.renewTls({ cert: renewedTls.cert, key: testTls.key })).toMatch(/key values mismatch/i);
    expect(callee.renewTls({ cert: 'not a certificate', key: testTls.key })).toBeTruthy();
    expect((await raw(portOf(callee))).getPeerCertificate().subject.CN).not.toBe('renewed');
  });

  it('says that there is nothing to renew where it has no TLS', async () => {
    const plain = await startStack();
    stacks.push(plain);
    expect(plain.renewTls(testTls)).toMatch(/without TLS/);
  });

  it('takes only clients with a certificate of its authorities when told to, and shows its own to peers that ask', async () => {
    const strict = await stack({ ...testTls, requestClientCert: true });
    const refused = await raw(portOf(strict));
    let closed = false;
    refused.on('error', () => {});
    refused.once('close', () => {
      closed = true;
    });
    refused.resume();
    await until(() => closed);
    const stranger = await stack({ ...renewedTls, ca: testTls.cert });
    expect(await callFrom(stranger, uriOf(strict))).toMatchObject({ kind: 'failed' });
    expect(await callFrom(await stack(testTls), uriOf(strict))).toMatchObject({ kind: 'rejected', status: 486 });
  });

  it('goes on asking for client certificates after a renewal', async () => {
    const strict = await stack({ ...testTls, requestClientCert: true });
    expect(strict.renewTls({ ...renewedTls, ca: testTls.cert })).toBeUndefined();
    const known = await stack({ ...testTls, ca: renewedTls.cert });
    const stranger = await stack(renewedTls);
    expect(await callFrom(stranger, uriOf(strict))).toMatchObject({ kind: 'failed' });
    expect(await callFrom(known, uriOf(strict))).toMatchObject({ kind: 'rejected', status: 486 });
  });

  it('takes a sip: URI in the certificate for the domain, and no other domain for it', async () => {
    const callee = await stack(renewedTls);
    const caller = await stack(renewedTls);
    const to = (host: string) => callFrom(caller, `sips:b@${host}:${portOf(callee)}`);
    expect(await to('carrier.example')).toMatchObject({ kind: 'rejected', status: 486 });
    expect(await to('sub.carrier.example')).toMatchObject({ kind: 'failed', why: 'tls' });
    expect(await to('other.example')).toMatchObject({ kind: 'failed', why: 'tls' });
  });

  it('names the domain it asks for when it connects (SNI), and speaks nothing older than TLS 1.2', async () => {
    const callee = await stack(testTls);
    await expect(raw(portOf(callee), { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' })).rejects.toThrow();
    let asked: string | undefined;
    const SNICallback = (name: string, done: (error: Error | null) => void): void => {
      asked = name;
      done(null);
    };
    const server = createServer({ cert: testTls.cert, key: testTls.key, SNICallback }, (socket) => socket.resume());
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const caller = await stack(testTls);
    void callFrom(caller, `sips:b@localhost:${port}`);
    await until(() => asked !== undefined);
    expect(asked).toBe('localhost');
    await caller.stop();
    await new Promise((resolve) => server.close(resolve));
  });
});
