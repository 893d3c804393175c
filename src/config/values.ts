import { isIP } from 'node:net';
import { z } from 'zod';
import { key, rule } from './key.js';

/** Kinds of values that more than one section uses. */

export const port = (least: 0 | 1) => z.int().min(least).max(65_535);

export const host = rule(
  z.string(),
  (text) =>
    isIP(text) !== 0 || /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/.test(text),
  'is neither an IP address nor a host name',
  'write an address such as 127.0.0.1 or ::1, without brackets, scheme or port',
);

export const ipAddress = rule(
  z.string(),
  (text) => isIP(text) !== 0,
  'is not an IP address',
  'write an IPv4 or IPv6 address, without a port',
);

/** Whether `text` is an address block (`198.51.100.0/24`, `2001:db8::/32`) or one address. */
export function isCidr(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

export const cidr = rule(z.string(), isCidr, 'is not an address block', 'write it as 198.51.100.0/24, 2001:db8::/32 or a single address');

export const origin = rule(
  z.string(),
  (text) => text === '*' || originOf(text) === text,
  'is not an origin',
  "write scheme and host, and the port where it is not the scheme's own, with nothing after it: https://www.example.com",
);

/** The origin of an http(s) URL as a browser sends it (RFC 6454 §6.2); undefined for anything else. */
export function originOf(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.protocol === 'https:' || url.protocol === 'http:' ? url.origin : undefined;
}

/** Whether an address or name can only be reached from this machine. */
export function isLoopback(name: string): boolean {
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}

/** A number as it is shown to the called side. */
export const callerNumber = rule(
  z.string(),
  (text) => /^\+?[0-9]{1,32}$/.test(text),
  'is not a number',
  'write its digits, with "+" and the country code before them, in quotes: "+441234567890"',
);

export const codecs = z.array(z.enum(['PCMU', 'PCMA'])).min(1);

/** Where a secret is read from. The secret itself never stands in the file. */
const secretRef = z.strictObject({ env: z.string().min(1).optional(), file: z.string().min(1).optional() });

export type SecretRef = z.output<typeof secretRef>;

/** A key whose value is a secret. */
export function secret(description: string, variable: string) {
  return key(
    rule(
      secretRef,
      (ref) => (ref.env === undefined) !== (ref.file === undefined),
      'names no single source',
      'write { env: NAME } or { file: PATH }, one of the two',
    ),
    { description, secret: true, example: { env: variable } },
  );
}

/** Certificate and key of a TLS listener. */
export const tls = z.strictObject({
  cert: key(z.string().min(1), { description: 'File with the certificate chain, PEM.', example: '/etc/gateway/tls/cert.pem' }),
  key: key(secret('', ''), { description: 'The private key, PEM.', secret: true, example: { file: '/etc/gateway/tls/key.pem' } }),
});

/** A secret that may be left out. */
export function optionalSecret(description: string, variable: string) {
  return key(secret(description, variable).optional(), { description, secret: true, example: { env: variable } });
}
