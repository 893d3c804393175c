/** A number that the demo's telephone line answers. */
export interface DemoNumber {
  readonly number: string;
  readonly title: string;
  readonly about: string;
  /** What the button says. */
  readonly label: string;
}

export const demoNumbers: readonly DemoNumber[] = [
  {
    number: '1001',
    title: 'A voice menu',
    about: 'A voice greets you. Press keys and hear them read back.',
    label: 'Call the voice menu',
  },
  { number: '1002', title: 'Your own echo', about: 'Speak, and hear yourself as the telephone hears you.', label: 'Call the echo' },
  { number: '1006', title: 'Call me back', about: 'Hang up after the announcement, and your browser rings.', label: 'Ask for a call back' },
  {
    number: '1007',
    title: 'Words before the answer',
    about: 'The network speaks while nobody has picked up yet.',
    label: 'Hear the announcement',
  },
  { number: '1003', title: 'Nobody home', about: 'It rings and rings. Cancel whenever you like.', label: 'Call nobody' },
  { number: '1004', title: 'A busy line', about: 'See how a busy line is told.', label: 'Call a busy line' },
  { number: '1005', title: 'Someone who declines', about: 'See how a declined call is told.', label: 'Call and be declined' },
];
