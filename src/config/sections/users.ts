import { z } from 'zod';
import { key, rule } from '../key.js';
import { callerNumber, optionalSecret } from '../values.js';

const user = z.strictObject({
  name: key(
    rule(
      z.string(),
      (text) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text),
      'is not a usable name',
      'use up to 64 letters, digits, ., - and _',
    ),
    { description: 'User part of the address the browser registers.', example: 'alice' },
  ),
  password: optionalSecret('Its password. A user without one can register only on a loopback listener.', 'ALICE_PASSWORD'),
  from: key(callerNumber.optional(), {
    description: "Number shown when this user calls, instead of the trunk's callerId.",
    example: '+441632960001',
  }),
  busyOnBusy: key(z.boolean().default(false), {
    description: 'Whether this user is busy to a second call while in one; otherwise the page is called and decides.',
  }),
});

export const users = key(z.array(user).default([]), { description: 'Browsers that register to be called.' });

export type UserConfig = z.output<typeof user>;
