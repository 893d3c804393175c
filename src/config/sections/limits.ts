import { z } from 'zod';
import { key } from '../key.js';

const count = z.int().min(1).max(1_000_000).optional();
const money = z.number().positive().max(1e9).optional();

/** Bounds on calls toward the telephone network; what is absent is not bounded. */
export const limits = z.strictObject({
  calls: key(count, { description: 'Calls at the same time.', example: 2 }),
  callsPerMinute: key(count, { description: 'Calls begun within a minute.', example: 3 }),
  callsPerHour: key(count, { description: 'Calls begun within an hour.', example: 20 }),
  minutesPerDay: key(count, { description: 'Minutes of talk in a day (UTC); calls that are up then are ended.', example: 600 }),
});

/** Money that calls may cost by `policy.rates`; calls that are up when it is used up are ended. */
export const budget = z.strictObject({
  perDay: key(money, { description: 'Money in a day (UTC).', example: 50 }),
  perMonth: key(money, { description: 'Money in a month (UTC).', example: 500 }),
});

export type LimitsConfig = z.output<typeof limits>;
