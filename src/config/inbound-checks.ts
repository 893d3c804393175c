import { mayDial } from '../policy/destinations.js';
import type { ConfigFault } from './fault.js';
import type { GatewayConfig } from './schema.js';
import type { GroupConfig } from './sections/groups.js';
import type { InboundConfig } from './sections/inbound.js';

/** What must hold between users, groups, the numbers that lead to them, and where calls are forwarded to. */

const fault = (path: string, problem: string, remedy: string): ConfigFault => ({ path, problem, remedy });

const bare = (number: string): string => number.replace(/^\+/, '');

function unknown(path: string, kind: 'user' | 'group', name: string, known: readonly string[]): ConfigFault[] {
  if (known.includes(name)) return [];
  const there = known.length === 0 ? `${kind}s is empty` : `${kind}s has ${known.join(', ')}`;
  return [fault(path, `there is no ${kind} "${name}"`, `add it to ${kind}s or name another; ${there}`)];
}

/** How long a group rings when nobody answers. */
export function groupRingSeconds({ strategy, users, ringSeconds }: GroupConfig): number {
  return strategy === 'sequential' ? users.length * ringSeconds : ringSeconds;
}

/** Groups of users that exist, each of them once, that do not ring longer than a call may. */
export function checkGroups({ groups, users, policy }: GatewayConfig): ConfigFault[] {
  const names = users.map(({ name }) => name);
  return groups.flatMap((group, at) => {
    const faults = group.users.flatMap((name, userAt) => {
      const path = `groups[${at}].users[${userAt}]`;
      const first = group.users.indexOf(name);
      return first === userAt
        ? unknown(path, 'user', name, names)
        : [fault(path, `"${name}" stands twice`, `name each user once; it is also at groups[${at}].users[${first}]`)];
    });
    if (groups.findIndex(({ name }) => name === group.name) !== at) {
      faults.push(fault(`groups[${at}].name`, `"${group.name}" stands twice`, 'give each group a name of its own'));
    }
    const total = groupRingSeconds(group);
    if (total > policy.ringSeconds) {
      const sum = group.strategy === 'sequential' ? `, ${total} for all its users` : '';
      const problem = `is ${group.ringSeconds}${sum}, and policy.ringSeconds is ${policy.ringSeconds}`;
      faults.push(fault(`groups[${at}].ringSeconds`, problem, 'shorten it, or raise policy.ringSeconds'));
    }
    return faults;
  });
}

/** Numbers that lead to somebody: to users and groups that exist, or to a telephone that may be called. */
export function checkInbound(config: GatewayConfig): ConfigFault[] {
  const { inbound, policy } = config;
  return inbound.flatMap((entry, at) => {
    const { to, otherwise } = entry;
    const path = `inbound[${at}]`;
    const faults = [
      ...checkTarget(config, to, `${path}.to`),
      ...(otherwise === undefined ? [] : checkTarget(config, otherwise, `${path}.otherwise`)),
    ];
    const after = otherwise?.afterSeconds ?? 0;
    if (after > policy.ringSeconds) {
      const problem = `is ${after}, and policy.ringSeconds is ${policy.ringSeconds}`;
      faults.push(fault(`${path}.otherwise.afterSeconds`, problem, 'shorten it, or raise policy.ringSeconds'));
    }
    return faults;
  });
}

function checkTarget(config: GatewayConfig, target: InboundConfig['to'], path: string): ConfigFault[] {
  const { users, groups } = config;
  if (target.user !== undefined) return unknown(`${path}.user`, 'user', target.user, namesOf(users));
  if (target.group !== undefined) return unknown(`${path}.group`, 'group', target.group, namesOf(groups));
  return target.number === undefined ? [] : checkForwarding(config, target.number, `${path}.number`);
}

const namesOf = (entries: readonly { readonly name: string }[]): readonly string[] => entries.map(({ name }) => name);

/** A forwarded call costs money like a dialled one, and one to a number of ours would come back for ever. */
function checkForwarding({ trunks, policy, inbound }: GatewayConfig, number: string, path: string): ConfigFault[] {
  const faults: ConfigFault[] = [];
  if (trunks.length === 0) faults.push(fault(path, 'is a telephone, and trunks is empty', 'add the trunk that calls it'));
  if (!mayDial(policy.destinations, number)) {
    faults.push(fault(path, 'may not be dialled', 'add its beginning to policy.destinations.allow, or name another'));
  }
  if (inbound.some((entry) => entry.number !== '*' && bare(entry.number) === bare(number))) {
    faults.push(fault(path, 'is a number of inbound itself', 'name the user or group it leads to'));
  }
  return faults;
}
