/**
 * Prints what reading a carrier INVITE costs: parse and validation, then the readers of Via, From,
 * To, CSeq and Contact, and writing it again. Run: `npx esbuild test/bench/sip-parser.bench.ts
 * --bundle --platform=node --format=esm | node --input-type=module`.
 */
import { readContacts, readCSeq, readFrom, readTo, readVias } from '../../src/sip/embedded/header-readers.js';
import type { SipMessage } from '../../src/sip/embedded/message.js';
import { parseMessage } from '../../src/sip/embedded/parser.js';
import { serialize } from '../../src/sip/embedded/serializer.js';
import { carrierInvite } from '../vectors/carrier-invite.js';

const rounds = 5;
const perRound = 20_000;

function read(message: SipMessage): number {
  const { headers } = message;
  return (
    readVias(headers).length +
    readFrom(headers).uri.length +
    readTo(headers).uri.length +
    readCSeq(headers).number +
    readContacts(headers).length
  );
}

/** Median over the rounds, in microseconds each. */
function costUs(run: () => number): number {
  const costs: number[] = [];
  let sink = 0;
  for (let round = 0; round <= rounds; round += 1) {
    const start = performance.now();
    for (let i = 0; i < perRound; i += 1) sink += run();
    if (round > 0) costs.push(((performance.now() - start) * 1000) / perRound);
  }
  if (sink === 0) throw new Error('nothing was read');
  return costs.sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? Number.NaN;
}

const parsed = parseMessage(carrierInvite);
const results = {
  bytes: carrierInvite.length,
  parseUs: costUs(() => parseMessage(carrierInvite).body.length),
  parseAndReadUs: costUs(() => read(parseMessage(carrierInvite))),
  serializeUs: costUs(() => serialize(parsed).length),
};
for (const [name, value] of Object.entries(results)) console.log(`${name} ${Number.isInteger(value) ? value : value.toFixed(1)}`);
