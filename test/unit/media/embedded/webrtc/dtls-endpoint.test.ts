import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CipherContext, DtlsClient, RTCCertificate } from 'werift';
import { makeDtlsCertificate } from '../../../../../src/media/embedded/webrtc/certificate.js';
import { DtlsEndpoint, type SrtpKeyPair } from '../../../../../src/media/embedded/webrtc/dtls-endpoint.js';

interface Outcome {
  up?: SrtpKeyPair;
  failed?: string;
  closed?: string;
  data?: Buffer;
}

const makeCertificate = async (): Promise<RTCCertificate> => {
  const { keyPem, certPem, signatureHash } = await CipherContext.createSelfSignedCertificateWithKey({ signature: 3, hash: 4 }, 23);
  return new RTCCertificate(keyPem, certPem, signatureHash);
};

/** A DTLS client and our endpoint, joined without a network. */
async function handshake(
  options: { readonly key?: RTCCertificate; readonly profiles?: readonly (1 | 7)[]; readonly expectLate?: boolean } = {},
) {
  const certificate = await makeCertificate();
  const outcome: Outcome = {};
  let settle = (): void => {};
  const toClient: Buffer[] = [];
  const settled = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const pipe = {
    type: 'udp',
    address: { address: '127.0.0.1', family: 'IPv4', port: 1 },
    closed: false,
    onData: (_data: Buffer) => {},
    send: async (_data: Buffer) => {},
    close: async () => {},
  };
  const endpoint = new DtlsEndpoint(await makeDtlsCertificate(), {
    send: (bytes) => {
      toClient.push(bytes);
      queueMicrotask(() => pipe.onData(bytes));
    },
    onUp: (keys) => {
      outcome.up = keys;
      settle();
    },
    onFailed: (cause) => {
      outcome.failed = cause;
      settle();
    },
    onClosed: (detail) => {
      outcome.closed = detail;
    },
    onData: (data) => {
      outcome.data = data;
    },
  });
  const toServer: Buffer[] = [];
  pipe.send = async (bytes) => {
    toServer.push(Buffer.from(bytes));
    queueMicrotask(() => endpoint.receive(Buffer.from(bytes)));
  };
  const client = new DtlsClient({
    cert: certificate.certPem,
    key: (options.key ?? certificate).privateKey,
    signatureHash: certificate.signatureHash,
    transport: pipe,
    srtpProfiles: [...(options.profiles ?? [1])],
    extendedMasterSecret: true,
  });
  const connected = new Promise<void>((resolve) => client.onConnect.once(() => resolve()));
  const fingerprints = certificate.getFingerprints();
  if (options.expectLate !== true) endpoint.expect(fingerprints);
  client.connect().catch(() => {});
  return { endpoint, client, certificate, fingerprints, outcome, settled, connected, toServer, toClient };
}

describe('the DTLS endpoint', () => {
  it('comes to the same keys as the client', async () => {
    const { client, outcome, settled, connected } = await handshake();
    await Promise.all([settled, connected]);
    const keys = client.extractSessionKeys(16, 14);
    expect(outcome.up?.local.key).toEqual(keys.remoteKey);
    expect(outcome.up?.remote.key).toEqual(keys.localKey);
    expect(outcome.up?.remote.salt).toEqual(keys.localSalt);
  });

  it('keeps a handshake that was over before the SDP came, and gives no key until then', async () => {
    const { endpoint, fingerprints, outcome, settled, connected } = await handshake({ expectLate: true });
    await connected;
    expect(outcome.up).toBeUndefined();
    endpoint.expect(fingerprints);
    await settled;
    expect(outcome.up).toBeDefined();
  });

  it('refuses somebody who shows the right certificate without its key', async () => {
    const { outcome, settled } = await handshake({ key: await makeCertificate() });
    await settled;
    expect(outcome).toEqual({ failed: 'dtls-failed' });
  });

  it('refuses a certificate that the SDP does not name', async () => {
    const { endpoint, outcome, settled, connected } = await handshake({ expectLate: true });
    await connected;
    endpoint.expect([{ algorithm: 'sha-256', value: randomBytes(32).toString('hex') }]);
    await settled;
    expect(outcome).toEqual({ failed: 'fingerprint-mismatch' });
  });

  it('refuses a peer without fingerprints of a kind it knows', async () => {
    const { endpoint, outcome, settled, connected } = await handshake({ expectLate: true });
    await connected;
    endpoint.expect([{ algorithm: 'md5', value: '00' }]);
    await settled;
    expect(outcome).toEqual({ failed: 'fingerprint-mismatch' });
  });

  it('fails when there is no SRTP profile in common', async () => {
    const { outcome, settled } = await handshake({ profiles: [7] });
    await settled;
    expect(outcome.failed).toBe('dtls-failed');
    expect(outcome.up).toBeUndefined();
  });

  it('pays no heed to records in clear once it is up: no renegotiation, no forged goodbye', async () => {
    const { endpoint, client, outcome, settled, connected, toServer } = await handshake();
    await Promise.all([settled, connected]);
    for (const record of toServer.slice(0, 2)) endpoint.receive(record);
    endpoint.receive(Buffer.from('15fefd000000000000000900020100', 'hex'));
    expect(outcome.closed).toBeUndefined();
    await client.send(Buffer.from('still here'));
    await Promise.resolve();
    expect(outcome.data?.toString()).toBe('still here');
  });

  it('says goodbye when it closes', async () => {
    const { endpoint, settled, connected, toClient } = await handshake();
    await Promise.all([settled, connected]);
    const before = toClient.length;
    endpoint.close();
    expect(toClient.slice(before).map((record) => record[0])).toEqual([21]);
    endpoint.close();
    expect(toClient.length).toBe(before + 1);
  });

  it('survives bytes that are no records', async () => {
    const { endpoint, outcome } = await handshake({ expectLate: true });
    for (let round = 0; round < 2000; round += 1) {
      const bytes = randomBytes(1 + (round % 80));
      bytes[0] = 20 + (round % 44);
      endpoint.receive(bytes);
    }
    expect(outcome.up).toBeUndefined();
    endpoint.close();
  });
});
