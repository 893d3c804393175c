import type { CallProblem } from './call-problem.js';
import type { DigitState } from './gateway-message.js';

/** Every sentence the widget can show, so that a translation is one object. */
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
  readonly keypad: string;
  readonly hideKeypad: string;
  readonly keys: string;
  readonly askingMicrophone: string;
  readonly microphoneHint: string;
  readonly dialling: string;
  readonly ringing: string;
  readonly earlyMedia: string;
  readonly connected: string;
  readonly held: string;
  readonly linkLost: string;
  readonly answering: string;
  readonly incoming: string;
  readonly unknownCaller: string;
  readonly youHungUp: string;
  readonly theyHungUp: string;
  readonly callerGaveUp: string;
  readonly declined: string;
  readonly muted: string;
  readonly spoke: (minutes: number, seconds: number) => string;
  /** One word or two on the newest digit. */
  readonly digitStates: Readonly<Record<DigitState, string>>;
  readonly digitFailed: (digit: string, reason: string) => string;
  /** By the reason the gateway or the page gives; without one, only that it failed is told. */
  readonly digitReasons: Readonly<Record<string, string>>;
  /** Name of the website's menu for screen readers. */
  readonly menu: string;
  readonly back: string;
  readonly problems: Readonly<Record<CallProblem, string>>;
}

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
  keypad: 'Keypad',
  hideKeypad: 'Hide keypad',
  keys: 'Telephone keys',
  askingMicrophone: 'Waiting for your microphone',
  microphoneHint: 'Please choose “Allow” when your browser asks.',
  dialling: 'Connecting',
  ringing: 'Ringing',
  earlyMedia: 'Listening, not answered yet',
  connected: 'Connected',
  held: 'On hold by the other side',
  linkLost: 'Connection lost, trying again',
  answering: 'Answering',
  incoming: 'Incoming call',
  unknownCaller: 'Unknown caller',
  youHungUp: 'Call ended.',
  theyHungUp: 'The other side hung up.',
  callerGaveUp: 'You missed this call.',
  declined: 'Call declined.',
  muted: 'You are muted',
  spoke: (minutes, seconds) => `You talked for ${minutes > 0 ? `${minutes} min ` : ''}${seconds} s.`,
  digitStates: { pressed: 'Sending…', left: 'Sent', seen: 'Sending…', sent: 'Sent', acknowledged: 'Received', failed: 'Not sent' },
  digitFailed: (digit, reason) => `“${digit}” was not sent. ${reason}`.trim(),
  digitReasons: {
    'not-supported': 'This phone line takes no keys.',
    refused: 'The phone line refused it.',
    'no-dialog': 'The call is not answered yet.',
    'queue-full': 'Too many keys at once.',
    'not-seen': 'It was lost on the way.',
  },
  menu: 'Choices',
  back: 'Back',
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

/** `4:07`, `1:02:09`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
