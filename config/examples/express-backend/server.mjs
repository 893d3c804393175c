/**
 * A website with a back end of its own. The page asks here for a ticket each time somebody presses the
 * button; this server decides whether, and asks the gateway for it. The site's secret stays here.
 *
 *   SITE_SECRET=… GATEWAY=https://call.example.com npm start
 */
import { readFileSync } from 'node:fs';
import express from 'express';

const { SITE_SECRET, GATEWAY = 'http://127.0.0.1:8080', PORT = '3000', ORIGIN = `http://127.0.0.1:${PORT}` } = process.env;
if (SITE_SECRET === undefined) {
  console.error('SITE_SECRET is missing: set it to the secret of the site in gateway.yaml');
  process.exit(1);
}

const gateway = new URL(GATEWAY);
const webSocket = new URL('/sip', GATEWAY);
webSocket.protocol = gateway.protocol === 'https:' ? 'wss:' : 'ws:';
const page = readFileSync(new URL('page.html', import.meta.url), 'utf8')
  .replaceAll('{{gateway}}', gateway.origin)
  .replaceAll('{{webSocket}}', webSocket.href);
const policy = [
  "default-src 'none'",
  `script-src ${gateway.origin}`,
  `connect-src 'self' ${gateway.origin} ${webSocket.origin}`,
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const app = express();

app.get('/', (_request, response) => {
  response.set('content-security-policy', policy).type('html').send(page);
});

app.post('/call-ticket', async (request, response) => {
  // A page of another website must not get tickets with this visitor's cookies.
  if (request.get('sec-fetch-site') !== undefined && request.get('sec-fetch-site') !== 'same-origin') {
    response.status(403).json({ error: { code: 'wrong-origin', message: 'tickets are for pages of this website' } });
    return;
  }
  // Here is the place to ask more: a session, a captcha, opening hours.
  try {
    const answer = await fetch(new URL('/api/v1/tickets', gateway), {
      method: 'POST',
      headers: { authorization: `Bearer ${SITE_SECRET}`, 'content-type': 'application/json' },
      body: JSON.stringify({ to: 'sales', visitor: request.ip, origin: ORIGIN }),
      signal: AbortSignal.timeout(5_000),
    });
    response.status(answer.status).set('cache-control', 'no-store').json(await answer.json());
  } catch {
    response.status(502).json({ error: { code: 'gateway-unreachable', message: 'the gateway does not answer' } });
  }
});

const server = app.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`open http://127.0.0.1:${server.address().port}`);
});
