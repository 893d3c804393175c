/** How a digit leaves the page: in the media (RFC 4733), or as SIP INFO. */
export type DigitWay = 'media' | 'info';

/** What is known of a call when a digit wants to leave. */
export interface DigitProspects {
  /** The call is answered, so that there is a dialog to send INFO in. */
  readonly answered: boolean;
  /** What the browser says of its DTMF sender; undefined when it has none. */
  readonly canInsert: boolean | undefined;
  /** The far side's description names `telephone-event`; undefined while there is none. */
  readonly eventsAgreed: boolean | undefined;
  /** How long sound has been able to flow in the answered call. */
  readonly connectedForMs: number;
}

/** How long a browser may hesitate to say that it can insert digits before INFO is taken instead. */
const insertPatienceMs = 2000;

/**
 * Decides for one digit; undefined while it has to wait. `canInsertDTMF` is false until the sender
 * may send and the format is agreed (W3C WebRTC §7.2), and in some browsers for ever.
 */
export function wayOf({ answered, canInsert, eventsAgreed, connectedForMs }: DigitProspects): DigitWay | undefined {
  if (canInsert === true) return 'media';
  if (!answered) return undefined;
  if (canInsert === undefined || eventsAgreed === false) return 'info';
  return connectedForMs >= insertPatienceMs ? 'info' : undefined;
}

/** Whether a description takes `telephone-event` in any clock (RFC 4733 §2.4.1). */
export function takesEvents(sdp: string): boolean {
  return /^a=rtpmap:\d+ telephone-event\//im.test(sdp);
}
