import { eventsIn, type HeardPacket } from './capture.js';
import type { Exercise } from './exercise.js';
import { type Finding, found } from './finding.js';
import { digitsOf, type InfoPress, judgeDigits } from './judge-digits.js';
import { judgeReserved, judgeSender } from './judge-sender.js';
import { judgeTone } from './judge-tone.js';
import type { AgreedMedia } from './tool-sdp.js';

/** What came out of the gateway for one exercise. */
export interface HeardSide {
  readonly packets: readonly HeardPacket[];
  readonly info: readonly InfoPress[];
  readonly agreed: AgreedMedia;
}

const DEFAULT_CLOCK_HZ = 8000;

/** All that one exercise shows of a gateway. */
export function judge(exercise: Exercise, { packets, info, agreed }: HeardSide): readonly Finding[] {
  const clockRateHz = agreed.events?.clockRateHz ?? DEFAULT_CLOCK_HZ;
  const rtp = digitsOf(packets, clockRateHz);
  return [
    ...judgeDigits(exercise, { rtp, info }),
    ...(exercise.flawless ? judgeSender({ packets, clockRateHz, presses: rtp.length }) : []),
    ...(!exercise.flawless && eventsIn(packets).length > 0 ? [judgeReserved(packets)] : []),
    ...(exercise.tone ? judgeTone(packets) : []),
    ...judgeDescription(agreed),
  ];
}

/** What the gateway says of telephone-events in the description it gave this side. */
function judgeDescription({ events }: AgreedMedia): readonly Finding[] {
  if (events === undefined) return [];
  const { listed, clockRateHz, audioClockRateHz } = events;
  const otherClock = `events of ${clockRateHz} Hz were agreed beside audio of ${audioClockRateHz} Hz`;
  return [
    found(
      'D10',
      listed ? undefined : 'its description names telephone-event without an a=fmtp that lists the events',
      'a=fmtp lists the events',
    ),
    found('D11', clockRateHz === audioClockRateHz ? undefined : otherClock, `events and audio both have a clock of ${clockRateHz} Hz`),
  ];
}
