/** A rule of telephone-events that a gateway can be held to from outside. */
export interface Rule {
  readonly id: string;
  readonly about: string;
}

/** Every rule a check can tell something of, with where it comes from. */
export const rules: readonly Rule[] = [
  { id: 'D1', about: 'all packets of a press carry the timestamp of its start; the audio goes on by the same clock (RFC 4733 §2.2.1)' },
  { id: 'D2', about: 'events and audio share SSRC, sequence numbers and clock (RFC 4733 §2.5.1.2)' },
  { id: 'D3', about: 'the marker stands on the first packet of a press only, and need not come in (RFC 4733 §2.5.1.2)' },
  { id: 'D4', about: 'three end packets, an interval apart (RFC 4733 §2.5.1.4)' },
  { id: 'D5', about: 'durations count the clock of the events, and zero is none (RFC 4733 §2.3.5)' },
  { id: 'D6', about: 'presses of more than 0xFFFF units go out in segments (RFC 4733 §2.5.1.3)' },
  { id: 'D7', about: 'segments that come in are one press (RFC 4733 §2.5.2.3)' },
  { id: 'D8', about: 'loss, lateness and doubling of packets cost and add no digit (RFC 4733 §2.5.2.2)' },
  { id: 'D9', about: 'timestamps and sequence numbers wrap (RFC 3550 §5.1)' },
  { id: 'D10', about: 'the events taken are listed in a=fmtp (RFC 4733 §2.4.1)' },
  { id: 'D11', about: 'events have the clock of the audio beside them (RFC 4733 §2.1)' },
  { id: 'D13', about: 'the reserved bit is ignored and not passed on; every volume is taken (RFC 4733 §2.3.3, §2.3.4)' },
  { id: 'D14', about: 'a digit comes out one way, not as event and tone both (RFC 4733 §2.5.2.2)' },
  { id: 'D15', about: 'several events in one packet are several digits (RFC 4733 §2.5.1.5)' },
  { id: 'D16', about: 'all sixteen digits, and nothing else for one (RFC 7874 §3)' },
];
