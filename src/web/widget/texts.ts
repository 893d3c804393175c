import type { CallProblem } from './call-problem.js';
import type { DigitState } from './gateway-message.js';
import type { CheckName, CheckResult } from './pre-call-check.js';
import type { QualityHint } from './quality.js';
import type { SoundNotice } from './sound-desk.js';

/**
 * Every sentence the widget can show, as plain data: a translation is one JSON file beside the script.
 * `{time}`, `{digit}`, `{reason}`, `{number}` and `{count}` stand for what is put there.
 */
export interface Texts {
  readonly call: string;
  readonly callAgain: string;
  readonly hangUp: string;
  readonly cancel: string;
  readonly answer: string;
  readonly decline: string;
  readonly close: string;
  readonly mute: string;
  readonly unmute: string;
  readonly hold: string;
  readonly resume: string;
  readonly keypad: string;
  readonly hideKeypad: string;
  readonly keys: string;
  readonly settings: string;
  readonly microphone: string;
  readonly speaker: string;
  readonly volume: string;
  readonly level: string;
  readonly device: string;
  readonly askingMicrophone: string;
  readonly microphoneHint: string;
  readonly dialling: string;
  readonly ringing: string;
  readonly earlyMedia: string;
  readonly connected: string;
  readonly held: string;
  readonly heldByYou: string;
  readonly linkLost: string;
  readonly answering: string;
  readonly incoming: string;
  readonly unknownCaller: string;
  readonly youHungUp: string;
  readonly theyHungUp: string;
  readonly callerGaveUp: string;
  readonly takenElsewhere: string;
  readonly declined: string;
  readonly muted: string;
  readonly mutedSpeaking: string;
  readonly spoke: string;
  /** By the score, from 1. */
  readonly quality: readonly string[];
  readonly hints: Readonly<Record<QualityHint, string>>;
  readonly notices: Readonly<Record<SoundNotice, string>>;
  /** One word or two on the newest digit. */
  readonly digitStates: Readonly<Record<DigitState, string>>;
  readonly digitFailed: string;
  /** By the reason the gateway or the page gives; without one, only that it failed is told. */
  readonly digitReasons: Readonly<Record<string, string>>;
  /** Name of the website's menu for screen readers. */
  readonly menu: string;
  readonly back: string;
  readonly check: string;
  readonly checks: Readonly<Record<CheckName, string>>;
  readonly checkStates: Readonly<Record<CheckResult['state'], string>>;
  /** What is not among the problems. */
  readonly checkReasons: Readonly<Record<string, string>>;
  readonly rate: string;
  readonly stars: string;
  readonly comment: string;
  readonly send: string;
  readonly thanks: string;
  readonly useTelephone: string;
  readonly problems: Readonly<Record<CallProblem, string>>;
}

/** Stands in the bundle; shown until another language is there, and where none is. */
export const english: Texts = {
  call: 'Call',
  callAgain: 'Call again',
  hangUp: 'Hang up',
  cancel: 'Cancel',
  answer: 'Answer',
  decline: 'Decline',
  close: 'Close',
  mute: 'Mute',
  unmute: 'Unmute',
  hold: 'Hold',
  resume: 'Resume',
  keypad: 'Keypad',
  hideKeypad: 'Hide keypad',
  keys: 'Telephone keys',
  settings: 'Sound settings',
  microphone: 'Microphone',
  speaker: 'Speaker',
  volume: 'Volume',
  level: 'Microphone level',
  device: 'Device {number}',
  askingMicrophone: 'Waiting for your microphone',
  microphoneHint: 'Please choose “Allow” when your browser asks.',
  dialling: 'Connecting',
  ringing: 'Ringing',
  earlyMedia: 'Listening, not answered yet',
  connected: 'Connected',
  held: 'On hold by the other side',
  heldByYou: 'On hold',
  linkLost: 'Connection lost, trying again',
  answering: 'Answering',
  incoming: 'Incoming call',
  unknownCaller: 'Unknown caller',
  youHungUp: 'Call ended.',
  theyHungUp: 'The other side hung up.',
  callerGaveUp: 'You missed this call.',
  takenElsewhere: 'Answered elsewhere.',
  declined: 'Call declined.',
  muted: 'You are muted',
  mutedSpeaking: 'You are muted: nobody hears you',
  spoke: 'You talked for {time}.',
  quality: ['Connection: very poor', 'Connection: poor', 'Connection: fair', 'Connection: good', 'Connection: very good'],
  hints: {
    'network-slow': 'Your connection is slow. Move closer to your Wi-Fi.',
    'network-loss': 'Parts of the sound are lost on the way. Move closer to your Wi-Fi.',
    'no-incoming-sound': 'No sound arrives from the other side.',
    'microphone-silent': 'Your microphone is silent. Check that it is switched on.',
  },
  notices: {
    'microphone-changed': 'Your microphone was unplugged. Another one is used now.',
    'listening-only': 'You can listen, but the other side cannot hear you.',
    'sound-blocked': 'Click anywhere to hear the call.',
  },
  digitStates: { pressed: 'Sending…', left: 'Sent', seen: 'Sending…', sent: 'Sent', acknowledged: 'Received', failed: 'Not sent' },
  digitFailed: '“{digit}” was not sent. {reason}',
  digitReasons: {
    'not-supported': 'This phone line takes no keys.',
    refused: 'The phone line refused it.',
    'no-dialog': 'The call is not answered yet.',
    'queue-full': 'Too many keys at once.',
    'not-seen': 'It was lost on the way.',
  },
  menu: 'Choices',
  back: 'Back',
  check: 'Check my connection',
  checks: { microphone: 'Microphone', gateway: 'Phone service', udp: 'Direct connection', turn: 'Way around firewalls' },
  checkStates: { running: 'Checking…', good: 'Good', bad: 'Does not work', unknown: 'Not known' },
  checkReasons: {
    'microphone-silent': 'Nothing is heard. Say something and check again.',
    'no-servers': 'There is nothing to check it with.',
    'udp-blocked': 'A firewall blocks it; calls go another way where there is one.',
    'turn-blocked': 'It cannot be reached.',
    'timed-out': 'It took too long.',
  },
  rate: 'How was the call?',
  stars: '{count} of 5 stars',
  comment: 'What could be better?',
  send: 'Send',
  thanks: 'Thank you.',
  useTelephone: 'Call {number} from a telephone',
  problems: {
    busy: 'The line is busy. Please try again in a moment.',
    rejected: 'They declined the call.',
    'no-answer': 'Nobody answered. Please try again later.',
    cancelled: 'The call was cancelled.',
    'number-not-found': 'This number does not exist.',
    'number-invalid': 'This is not a complete phone number.',
    'destination-denied': 'Calls to this number are not allowed here.',
    'ticket-required': 'This page is not allowed to call. Please reload it and try again.',
    'ticket-invalid': 'This page is not allowed to call. Please tell the owner of this site.',
    'ticket-expired': 'This page was open for too long. Please reload it and call again.',
    'ticket-used': 'This call was placed already. Please reload the page and call again.',
    'wrong-origin': 'Calls from this website are not allowed.',
    'wrong-destination': 'This button may not call this number.',
    'over-limit': 'Too many calls were made from here. Please try again later.',
    'over-budget': 'No more calls can be made from this website for now. Please try again later.',
    'unusual-destination': 'Calls to this country are held back for now. Please tell the owner of this site.',
    'emergency-number': 'Emergency numbers cannot be called from here. Please use a telephone.',
    'no-route': 'This number cannot be called from here.',
    loop: 'This number leads back to itself. Please tell the owner of this site.',
    'trunk-unreachable': 'The phone network cannot be reached just now. Please try again later.',
    'trunk-timeout': 'The phone network did not respond. Please try again.',
    'trunk-auth-failed': 'The phone line is not set up correctly. Please tell the owner of this site.',
    'trunk-error': 'The phone network could not complete the call. Please try again.',
    'trunk-congested': 'The phone network is overloaded. Please try again in a minute.',
    'media-not-acceptable': 'Your browser and the phone network could not agree on how to carry sound.',
    'media-setup-failed': 'The sound connection could not be made. A firewall or VPN may be blocking it.',
    'media-lost': 'The sound was interrupted and the call ended. Please check your network.',
    'browser-gone': 'The connection to your browser was lost.',
    'user-not-registered': 'The person you are calling is not online.',
    'too-many-calls': 'All lines are in use. Please try again in a minute.',
    'too-long': 'The call reached its longest permitted time.',
    'shutting-down': 'The phone service is restarting. Please call again in a minute.',
    internal: 'Something went wrong on our side. Please try again.',
    'microphone-denied': 'Your browser is blocking the microphone. Allow it in the address bar, then call again.',
    'microphone-missing': 'No microphone was found. Please connect one and call again.',
    'microphone-in-use': 'Your microphone cannot be used just now. Close other programs that use it and call again.',
    'microphone-insecure': 'Calls need a secure page. Please open this page with https.',
    'browser-too-old': 'This browser cannot make calls. Please use a current one.',
    'gateway-unreachable': 'The phone service cannot be reached. Please check your internet connection.',
    'connection-lost': 'The connection to the phone service was lost.',
    'nothing-to-call': 'There is no number to call.',
    'digits-not-sent': 'The keys could not be sent.',
    'ivr-invalid': 'This button is not set up correctly. Please tell the owner of this site.',
  },
};

/** Puts values in the places of a text. */
export function filled(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (place, name: string) => String(values[name] ?? place)).trim();
}

/** `4:07`, `1:02:09`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
