import { z } from 'zod';
import { key } from '../key.js';
import { codecs, ipAddress, port } from '../values.js';
import { iceServers, turn } from './turn.js';

const range = (min: number, max: number, side: string) =>
  z
    .strictObject({
      min: key(port(1).default(min), { description: `First UDP port ${side}.` }),
      max: key(port(1).default(max), { description: `Last UDP port ${side}.` }),
    })
    .prefault({});

export const media = z
  .strictObject({
    plane: key(z.enum(['embedded']).default('embedded'), { description: 'What moves RTP. This version has the embedded relay.' }),
    workers: key(z.union([z.literal('auto'), z.int().min(1).max(64)]).default('auto'), {
      description: 'Threads that relay RTP. "auto" is one for each CPU but one, and at least one.',
    }),
    bindAddress: key(ipAddress.optional(), {
      description: 'Address the media sockets bind. Without it, 0.0.0.0 where publicAddress is given and 127.0.0.1 where it is not.',
      example: '0.0.0.0',
    }),
    publicAddress: key(ipAddress.optional(), {
      description: 'Address that browsers and trunks are told to send media to. Without it, bindAddress.',
      example: '203.0.113.10',
      live: true,
    }),
    browserPorts: key(range(40_000, 44_999, 'for browsers'), { description: 'UDP ports of browser legs. One a call.' }),
    trunkPorts: key(range(45_000, 49_999, 'for trunks'), {
      description: 'UDP ports of trunk legs. Two a call: RTP on the even one, RTCP on the odd one after it.',
    }),
    codecs: key(codecs.default(['PCMU', 'PCMA']), {
      description: 'Codecs of browser legs in order of preference; also of trunks that name none.',
    }),
    silenceSeconds: key(z.number().min(1).max(3600).default(5), {
      description: 'A direction that carries nothing for this long is reported with its cause.',
      unit: 'seconds',
    }),
    setupSeconds: key(z.number().min(1).max(120).default(15), {
      description: 'Time a browser has to complete ICE and DTLS before its call is ended.',
      unit: 'seconds',
    }),
    iceServers: key(iceServers, {
      description:
        'STUN and TURN servers that pages are told of as they stand here. Pages reach a gateway with a public address without any.',
    }),
    turn: key(turn.optional(), {
      description:
        'TURN for pages whose network lets no UDP out: short-lived credentials for a coturn of yours, or for the embedded server.',
    }),
  })
  .prefault({});

/** The address the media sockets bind. */
export function mediaBindAddress({ bindAddress, publicAddress }: MediaConfig): string {
  return bindAddress ?? (publicAddress === undefined ? '127.0.0.1' : '0.0.0.0');
}

export type MediaConfig = z.output<typeof media>;
