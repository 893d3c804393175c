import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { connect, type TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Child } from '../support/child.js';
import { freePort } from '../support/free-ports.js';
import { type Scratch, scratch } from '../support/scratch.js';
import { renewedTls, testTls } from '../support/tls-material.js';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const ready = /"msg":"ready"/;

const options = (id: string): string =>
  [
    'OPTIONS sip:gateway.example SIP/2.0',
    `Via: SIP/2.0/WSS client.invalid;branch=z9hG4bK${id}`,
    'Max-Forwards: 70',
    'From: <sip:page@example.com>;tag=1',
    'To: <sip:gateway.example>',
    `Call-ID: ${id}`,
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
    '\r\n',
  ].join('\r\n');

describe('certificates of a running gateway', () => {
  let files: Scratch;
  let child: Child;
  let http: number;
  let sip: number;
  const sockets: TLSSocket[] = [];
  const pages: WebSocket[] = [];

  beforeEach(async () => {
    if (!existsSync(main)) throw new Error('dist/ is not built; run npm run build');
    files = scratch('certificates');
    [http, sip] = [await freePort(), await freePort()];
    write(testTls);
    const tls = { cert: files.file('cert.pem'), key: { file: files.file('key.pem') } };
    const config = {
      http: { port: http, tls, allowedOrigins: ['*'] },
      sip: { listen: [`tls:127.0.0.1:${sip}`], tls },
      media: { workers: 1 },
    };
    writeFileSync(files.file('gateway.yaml'), JSON.stringify(config));
    child = new Child({ command: process.execPath, args: [main, 'serve', '--config', files.file('gateway.yaml')] });
    await child.waitForOutput(ready, 10_000);
  });

  afterEach(async () => {
    for (const page of pages.splice(0)) page.terminate();
    for (const socket of sockets.splice(0)) socket.destroy();
    await child.stop('SIGKILL');
    files.dispose();
  });

  function write({ cert, key }: { readonly cert: string; readonly key: string }): void {
    writeFileSync(files.file('cert.pem'), cert);
    writeFileSync(files.file('key.pem'), key);
  }

  async function nameShownOn(port: number): Promise<string | undefined> {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    sockets.push(socket);
    await once(socket, 'secureConnect');
    return socket.getPeerCertificate().subject.CN as string | undefined;
  }

  async function page(): Promise<WebSocket> {
    const made = new WebSocket(`wss://localhost:${http}/sip`, 'sip', {
      ca: [testTls.cert, renewedTls.cert],
      origin: 'https://www.example.com',
    });
    pages.push(made);
    await once(made, 'open');
    return made;
  }

  async function answerTo(socket: WebSocket, id: string): Promise<string> {
    const heard = once(socket, 'message');
    socket.send(options(id));
    return String((await heard)[0]);
  }

  it('are read again on SIGHUP for HTTPS, WSS and SIP over TLS, without touching a connection that is up', async () => {
    const before = await page();
    expect(await answerTo(before, 'one')).toMatch(/^SIP\/2\.0 200 OK\r\n/);
    expect([await nameShownOn(http), await nameShownOn(sip)]).toEqual(['localhost', 'localhost']);
    write(renewedTls);
    child.signal('SIGHUP');
    await child.waitForOutput(/certificates renewed/, 5_000);
    expect([await nameShownOn(http), await nameShownOn(sip)]).toEqual(['renewed', 'renewed']);
    expect(await answerTo(before, 'two')).toMatch(/^SIP\/2\.0 200 OK\r\n/);
    expect(await answerTo(await page(), 'three')).toMatch(/^SIP\/2\.0 200 OK\r\n/);
  });

  it('stay as they are when the new files do not belong together, and the log says so', async () => {
    write({ cert: renewedTls.cert, key: testTls.key });
    child.signal('SIGHUP');
    const [line] = await child.waitForOutput(/.*certificates not renewed.*/, 5_000);
    expect(line).toMatch(/http\.tls: .*mismatch.*sip\.tls: .*mismatch/);
    expect([await nameShownOn(http), await nameShownOn(sip)]).toEqual(['localhost', 'localhost']);
    expect(child.exit).toBeUndefined();
  });
});
