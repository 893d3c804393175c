import { z } from 'zod';
import { key, rule } from '../key.js';
import { cidr, host, origin, originOf, port, tls } from '../values.js';

export const http = z
  .strictObject({
    host: key(host.default('127.0.0.1'), {
      description: 'Address the one HTTP listener binds: pages, WebSocket, API and metrics.',
    }),
    port: key(port(0).default(8080), { description: 'TCP port of the listener; 0 takes any free one.' }),
    publicUrl: key(
      rule(
        z.string(),
        (text) => originOf(text) !== undefined && new URL(text).search === '' && new URL(text).hash === '',
        'is not an http or https URL',
        'write the URL under which browsers reach this listener, such as https://call.example.com',
      ).optional(),
      {
        description: 'URL under which browsers reach the listener, when a proxy stands before it. Its origin may always place calls.',
        example: 'https://call.example.com',
      },
    ),
    allowedOrigins: key(z.array(origin).default([]), {
      description:
        'Origins of the pages that may open the WebSocket, beside the gateway\'s own. Exact matches; "*" allows every page of the world.',
      example: ['https://www.example.com'],
    }),
    trustedProxies: key(z.array(cidr).default([]), {
      description:
        'Addresses of proxies of ours before the listener. Only what they write into X-Forwarded-For counts; without them a visitor is who connects.',
      example: ['127.0.0.1', '10.0.0.0/8'],
    }),
    tls: key(tls.optional(), { description: 'Serve HTTPS and WSS with this certificate instead of HTTP and WS.' }),
  })
  .prefault({});

export type HttpConfig = z.output<typeof http>;
