import { z } from 'zod';
import { key } from '../key.js';
import { host, optionalSecret, port, secret } from '../values.js';

/** Port on which a drachtio server takes applications unless told otherwise. */
export const drachtioPort = 9022;

const appPort = key(port(1).default(drachtioPort), { description: 'Its port for applications.' });

const serverTls = key(
  z
    .strictObject({
      ca: key(z.string().min(1).optional(), {
        description: "File with the authorities its certificate may come from, PEM. Without it, the system's own.",
        example: '/etc/gateway/tls/drachtio-ca.pem',
      }),
      verifyPeer: key(z.boolean().default(true), { description: 'Check its certificate against its host name.' }),
    })
    .optional(),
  { description: 'Connect with TLS.' },
);

const server = z.strictObject({
  host: key(host, { description: 'Its address.', example: '127.0.0.1' }),
  port: appPort,
  secret: secret('Its shared secret.', 'DRACHTIO_SECRET'),
  tls: serverTls,
});

/** The drachtio servers that speak SIP for the gateway when `sip.stack` is `drachtio`. */
export const drachtio = z
  .strictObject({
    host: key(host.optional(), { description: 'Address of the only server.', example: '127.0.0.1' }),
    port: appPort,
    secret: optionalSecret('Its shared secret.', 'DRACHTIO_SECRET'),
    tls: serverTls,
    servers: key(z.array(server).default([]), {
      description: 'Several servers, in place of the one above: calls are spread over those that can be reached.',
    }),
    listen: key(
      z
        .strictObject({
          host: key(host.default('127.0.0.1'), { description: 'Address to listen on.' }),
          port: key(port(0).default(3001), { description: 'Port to listen on. 0 takes any free one.' }),
          secret: secret('The secret these servers are told with "authenticate".', 'DRACHTIO_LISTEN_SECRET'),
        })
        .optional(),
      {
        description:
          'Let servers with a request handler connect here, one connection for each call ("outbound" in their documentation). Calls of the gateway still leave by the servers above.',
      },
    ),
  })
  .optional();

export type DrachtioConfig = NonNullable<z.output<typeof drachtio>>;

/** Every server to connect to, whichever way it was written. */
export function drachtioServers(config: DrachtioConfig): readonly z.output<typeof server>[] {
  const { host: only, port: onlyPort, secret: onlySecret, tls } = config;
  if (only === undefined || onlySecret === undefined) return config.servers;
  return [{ host: only, port: onlyPort, secret: onlySecret, ...(tls === undefined ? {} : { tls }) }, ...config.servers];
}
