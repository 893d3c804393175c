import { z } from 'zod';
import { key, rule } from '../key.js';

/** What carriers differ in. A profile gives these keys, and a trunk's own come before them. */

const digits = (least: number, most: number, remedy: string) =>
  rule(z.string(), (text) => /^\d*$/.test(text) && text.length >= least && text.length <= most, 'is not made of digits', remedy);

const statuses = z.array(z.int().min(300).max(699));

const numbers = z.strictObject({
  countryCode: key(digits(1, 3, 'write the country code without + or 00, in quotes: "44"').optional(), {
    description: 'Country of the trunk. With it, national numbers that come in are completed, and numberFormat national can be used.',
    example: '44',
  }),
  nationalPrefix: key(digits(0, 3, 'write the digits, in quotes; "" for none').default('0'), {
    description: 'Digits before a number of the same country.',
  }),
  internationalPrefix: key(digits(0, 5, 'write the digits, in quotes; "" for none').default('00'), {
    description: 'Digits before a number of another country.',
  }),
  uri: key(z.enum(['sip', 'tel']).default('sip'), { description: 'Kind of the Request-URI. tel needs numberFormat e164.' }),
  userPhone: key(z.boolean().default(false), { description: 'Adds ;user=phone to sip URIs.' }),
});

const identity = z.strictObject({
  from: key(z.enum(['caller', 'account', 'trunk']).default('caller'), {
    description: 'Number in From: of the caller, the registered account (register.user), or callerId.',
  }),
  header: key(z.enum(['none', 'P-Asserted-Identity', 'P-Preferred-Identity']).default('none'), {
    description: 'Header that carries the caller beside From.',
  }),
  displayName: key(z.boolean().default(true), { description: "Whether the caller's name is sent." }),
  diversion: key(z.boolean().default(false), { description: 'Whether Diversion passes from the trunk a call came in on.' }),
  historyInfo: key(z.boolean().default(false), { description: 'Whether History-Info does.' }),
  signed: key(z.boolean().default(false), { description: 'Whether Identity (a signed caller number) does.' }),
});

const sessionTimer = z.strictObject({
  enabled: key(z.boolean().default(true), { description: 'Whether calls on this trunk have a session timer of ours.' }),
  expiresSeconds: key(z.int().min(90).max(86_400).default(1800), { description: 'Interval asked for.', unit: 'seconds' }),
  minSeconds: key(z.int().min(90).max(86_400).default(90), { description: 'Shortest interval taken.', unit: 'seconds' }),
});

const retry = z.strictObject({
  nextPeer: key(statuses.default([408, 502, 503, 504]), {
    description: 'Final statuses after which the next peer is tried, as long as the phone has not rung. No answer at all always counts.',
  }),
  nextTrunk: key(statuses.default([401, 407]), { description: 'Final statuses after which another trunk is tried instead.' }),
});

const options = z.strictObject({
  intervalSeconds: key(z.int().min(5).max(3600).default(30), { description: 'Time between two.', unit: 'seconds' }),
  timeoutSeconds: key(z.int().min(1).max(32).default(5), { description: 'Time an answer may take.', unit: 'seconds' }),
  failures: key(z.int().min(1).max(20).default(3), { description: 'Unanswered ones in a row that take a peer down.' }),
  successes: key(z.int().min(1).max(20).default(2), { description: 'Answered ones in a row that bring it back.' }),
});

const headerName = rule(
  z.string(),
  (text) => /^[Xx]-[A-Za-z0-9-]{1,60}$/.test(text),
  'is not the name of a header of your own',
  'write a name that begins with X-, such as X-Secure-Digits',
);

export const behaviour = {
  numberFormat: key(z.enum(['e164', 'e164-no-plus', 'national', 'as-dialled']).default('e164'), {
    description:
      'How numbers are written toward the carrier: e164 is +441234567890, e164-no-plus is 441234567890, national is 01234567890 and 00 for other countries (see numbers).',
  }),
  numbers: key(numbers.prefault({}), { description: 'More on numbers, both ways.' }),
  identity: key(identity.prefault({}), { description: 'What the carrier is told of the caller.' }),
  prack: key(z.enum(['supported', 'required', 'off']).default('supported'), {
    description: 'Reliable provisional responses (100rel): offered, demanded, or not mentioned.',
  }),
  sessionTimer: key(sessionTimer.optional(), { description: 'Session timer (RFC 4028).' }),
  earlyMedia: key(z.enum(['heard', 'relay', 'authorised', 'ignore']).default('heard'), {
    description:
      "What ends the caller's own ringing before the answer: sound that has come (heard), its mere description (relay), the description where P-Early-Media allows it (authorised), or nothing (ignore).",
  }),
  audioMarker: key(z.enum(['talkspurt', 'never']).default('talkspurt'), {
    description: 'Whether audio that begins anew carries the RTP marker bit. never is for equipment that clips or restarts at each one.',
  }),
  dtmf: key(z.enum(['auto', 'rfc4733', 'info', 'inband']).default('auto'), {
    description:
      'How digits travel: as telephone-events (rfc4733), in SIP INFO (info), as tones (inband), or (auto) as telephone-events where the carrier takes them, else as tones.',
  }),
  dtmfInfo: key(z.enum(['application/dtmf-relay', 'application/dtmf', 'audio/telephone-event']).default('application/dtmf-relay'), {
    description: 'Body of the INFO we send with dtmf info. All three are taken.',
  }),
  secureDigitsHeader: key(headerName.optional(), {
    description:
      'Header by which the carrier or a menu behind it opens and closes a secure window (on, off), in which digits are masked everywhere. Without it, only the API does.',
    example: 'X-Secure-Digits',
  }),
  transfer: key(z.enum(['gateway', 'refer']).default('gateway'), {
    description: 'Who moves a transferred call: the gateway, or the carrier by REFER.',
  }),
  hold: key(z.enum(['pass', 'absorb']).default('pass'), {
    description: 'Whether the trunk is told by a re-INVITE that a page holds the call. The page always learns that the telephone does.',
  }),
  silentSeconds: key(z.int().min(1).max(32).default(5), {
    description: 'How long a peer may say nothing at all to a call before the next one is tried, where there is one.',
    unit: 'seconds',
  }),
  stalledSeconds: key(z.int().min(5).max(180).default(30), {
    description:
      'How long a peer that has taken a call (100 Trying) may go without ringing before the next one is tried, where there is one.',
    unit: 'seconds',
  }),
  retry: key(retry.prefault({}), { description: 'When a call is tried elsewhere.' }),
  redirect: key(z.enum(['refuse', 'same-trunk']).default('refuse'), {
    description: 'What a 3xx leads to: an error, or another number at a peer of this trunk that policy.destinations allows.',
  }),
  options: key(options.optional(), { description: 'OPTIONS to every peer, to know which are up. Without it only calls tell.' }),
};

const profile = z.strictObject({ description: z.string().min(1), trunk: z.strictObject(behaviour).partial() });

/** The file of a carrier profile. */
export const profileSchema = profile;
