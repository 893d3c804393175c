/** Why the far end of one leg ended it, as far as that may be told to the other one. */
import type { Headers } from '../sip/port.js';
import { q850Reason, type Reason, readReasons } from '../sip/reason.js';
import { reasonPhrase } from '../sip/status.js';

/** What a far end said in `Reason` (RFC 3326): at most a Q.850 cause and a SIP status. */
export type FarReasons = readonly Reason[];

const q850Causes = { least: 1, most: 127 };
/** As a reason, 200 says that the call was answered somewhere else (RFC 3326 §2). */
const answeredElsewhere = 200;

/** Only causes are taken over, with words of ours: a far end's own words are its own business. */
export function farReasons(headers: Headers | undefined): FarReasons {
  if (headers === undefined) return [];
  const said = readReasons(headers);
  const causeOf = (protocol: string): number | undefined => said.find((one) => one.protocol.toUpperCase() === protocol)?.cause;
  const q850 = causeOf('Q.850');
  const status = causeOf('SIP');
  return [
    ...(q850 !== undefined && q850 >= q850Causes.least && q850 <= q850Causes.most ? [q850Reason(q850)] : []),
    ...(status !== undefined && status >= answeredElsewhere && status < 700 ? [sipReason(status)] : []),
  ];
}

/** The Q.850 cause among them. */
export const q850Of = (reasons: FarReasons | undefined): number | undefined => reasons?.find(({ protocol }) => protocol === 'Q.850')?.cause;

function sipReason(status: number): Reason {
  return { protocol: 'SIP', cause: status, text: status === answeredElsewhere ? 'Call completed elsewhere' : reasonPhrase(status) };
}
