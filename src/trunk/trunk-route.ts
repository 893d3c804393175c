import { carriageOf } from '../call/digits/digit-rules.js';
import type { TrunkRoute } from '../call/routing.js';
import type { TrunkOptions } from './options.js';

/** How the media of a trunk's leg is made. */
export function trunkMedia({ codecs, mediaAllow, digits, audioMarker }: TrunkOptions): TrunkRoute['media'] {
  return {
    kind: 'udp',
    codecs,
    learnFrom: mediaAllow,
    ...(digits === undefined ? {} : { digits: carriageOf(digits.mode) }),
    ...(audioMarker === 'never' ? { audioMarker } : {}),
  };
}

/** A trunk as the router knows it. */
export function trunkRoute(trunk: TrunkOptions): TrunkRoute {
  const { id, earlyMedia, transfer, hold, digits } = trunk;
  return {
    id,
    media: trunkMedia(trunk),
    ...(earlyMedia === 'heard' ? { early: 'heard' } : {}),
    ...(transfer === undefined ? {} : { transfer }),
    ...(hold === undefined ? {} : { hold }),
    ...(digits === undefined ? {} : { digits }),
  };
}
