/** What may be dialled through the trunks of a configuration. */
import type { GatewayConfig } from '../config/schema.js';
import { type DestinationVerdict, judgeDestination } from '../policy/destinations.js';
import { numberAsRead } from '../trunk/number-format.js';
import type { NumberPlan } from '../trunk/options.js';

/** A number of the trunks' own country is judged as the whole number that a trunk takes it for, too: `0909…` is `+44909…`. */
export function destinationCheck({ policy, trunks }: GatewayConfig): (number: string) => DestinationVerdict {
  const plans = trunks.map(({ numberFormat, numbers: { countryCode, nationalPrefix, internationalPrefix } }) => {
    const plan: NumberPlan = { nationalPrefix, internationalPrefix, ...(countryCode === undefined ? {} : { countryCode }) };
    return { numberFormat, plan };
  });
  return (number) => {
    const asRead = plans.map(({ numberFormat, plan }) => numberAsRead(number, numberFormat, plan)).filter((read) => read !== number);
    return judgeDestination(policy.destinations, number, [...new Set(asRead)]);
  };
}
