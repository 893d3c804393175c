/** One line of the page's story of a call. */
export interface StoryLine {
  readonly kind: 'plain' | 'good' | 'bad';
  readonly text: string;
  readonly hint?: string;
}

/** What a change of state means, for somebody who has never seen a telephone network from inside. */
export function storyOf(state: string, peer: string, failure: string | undefined): StoryLine | undefined {
  switch (state) {
    case 'microphone':
      return { kind: 'plain', text: 'The browser asks for your microphone.' };
    case 'dialling':
      return {
        kind: 'plain',
        text: `The page asks the gateway to call ${peer}.`,
        hint: 'SIP over a WebSocket; the gateway dials the telephone line.',
      };
    case 'ringing':
      return {
        kind: 'plain',
        text: 'The telephone rings.',
        hint: 'Sound is connected already, so nothing is cut off when it is answered.',
      };
    case 'early-media':
      return { kind: 'plain', text: 'The network speaks before anybody answers.', hint: 'Early media: heard, and not yet a call.' };
    case 'connected':
      return {
        kind: 'good',
        text: 'You are connected.',
        hint: 'Encrypted to the gateway, plain telephone audio from there. Open the keypad, or type digits.',
      };
    case 'incoming':
      return { kind: 'good', text: 'A telephone calls this page.', hint: 'The gateway found your browser by the name it registered.' };
    case 'ended':
      return failure === undefined ? { kind: 'plain', text: 'The call is over.' } : { kind: 'bad', text: failure };
    default:
      return undefined;
  }
}
