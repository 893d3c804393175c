import type { Dialler, DialRequest, DialResult, UserTarget } from '../call/ports.js';
import type { SipPort } from '../sip/port.js';
import { escapeUser } from '../sip/uri.js';
import type { Registrar } from './registrar.js';

/** Calls a browser user on the newest of its pages. */
export class BrowserDialler implements Dialler<UserTarget> {
  constructor(
    private readonly options: { readonly realm: string },
    private readonly deps: { readonly sip: SipPort; readonly registrar: Registrar },
  ) {}

  dial({ target, from, offer, attempt }: DialRequest<UserTarget>): DialResult {
    if (attempt > 0) return { kind: 'exhausted' };
    const binding = this.deps.registrar.bindingsOf(target.user)[0];
    if (binding === undefined) return { kind: 'refused', failure: 'user-not-registered' };
    const { realm } = this.options;
    const leg = this.deps.sip.call({
      requestUri: binding.contactUri,
      from: {
        uri: `sip:${escapeUser(from.number)}@${realm}`,
        ...(from.displayName === undefined ? {} : { displayName: from.displayName }),
      },
      to: { uri: `sip:${escapeUser(target.user)}@${realm}` },
      offer,
      via: { flow: binding.flow },
    });
    return { kind: 'dialling', leg, flow: binding.flow, release: () => {} };
  }
}
