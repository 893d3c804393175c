/**
 * An ICE-lite agent (RFC 8445 §2.5): it has a host candidate, answers checks and lets the full
 * agent at the other end choose the pair. It never sends a check of its own, so an address from
 * SDP is never sent to; only one that proved our password is (RFC 8839 §9.3). Checks that come
 * before the peer's SDP are answered at once (RFC 8445 §7.3): they need nothing but our own secret.
 */
import { randomBytes } from 'node:crypto';
import { bindingSuccessFor, hasIntegrity, readBindingRequest, roleConflictFor } from './stun.js';

/** Characters of ICE credentials: ufrag of at least 4, password of at least 22 (RFC 8839 §5.4). */
export interface IceCredentials {
  readonly ufrag: string;
  readonly password: string;
}

export function newIceCredentials(): IceCredentials {
  return {
    ufrag: randomBytes(6).toString('base64').replaceAll('/', '+'),
    password: randomBytes(18).toString('base64').replaceAll('/', '+'),
  };
}

/** A remote address that has proved it knows our password. */
interface ValidRemote {
  readonly address: string;
  readonly port: number;
  priority: number;
  nominatedAtMs: number;
}

/** The remote end in use. The same object as long as the pair does not change. */
export interface SelectedRemote {
  readonly address: string;
  readonly port: number;
}

export interface IceLiteDeps {
  readonly nowMs: () => number;
  readonly send: (bytes: Buffer, port: number, address: string) => void;
  readonly onSelected: (remote: SelectedRemote) => void;
}

/** A pair chosen earlier gives way to one of lower priority when it was not nominated anew for so long. */
const staleNominationMs = 3000;
/** A peer that knows the password may validate so many addresses at most. */
const maxRemotes = 16;

export class IceLiteAgent {
  selected: SelectedRemote | undefined;
  /** When the last check that proved itself came: the peer's consent to receive (RFC 7675 §5.1). */
  lastCheckAtMs: number | undefined;

  private readonly remotes: ValidRemote[] = [];
  private chosen: ValidRemote | undefined;
  private peerUfrag: string | undefined;

  constructor(
    private readonly local: IceCredentials,
    private readonly deps: IceLiteDeps,
  ) {}

  /** The peer's user fragment from its SDP; until it is known any is taken. */
  expectPeer(ufrag: string): void {
    this.peerUfrag = ufrag;
  }

  /** Whether that address has proved our password, so that DTLS and SRTP from it may be read. */
  knows(address: string, port: number): boolean {
    const selected = this.selected;
    if (selected !== undefined && selected.port === port && selected.address === address) return true;
    return this.find(address, port) !== undefined;
  }

  /** Takes a datagram whose first byte is 0 to 3. False, with nothing done, when it is not a check made with our credentials. */
  receive(bytes: Buffer, address: string, port: number): boolean {
    const request = readBindingRequest(bytes);
    if (request === undefined || !this.isForUs(request.username) || !hasIntegrity(request, this.local.password)) return false;
    if (request.controlled) {
      this.deps.send(roleConflictFor(request, this.local.password), port, address);
      return true;
    }
    const remote = this.learn(address, port);
    if (remote === undefined) return true;
    this.lastCheckAtMs = this.deps.nowMs();
    remote.priority = request.priority;
    this.deps.send(bindingSuccessFor(request, address, port, this.local.password), port, address);
    if (request.useCandidate) this.nominate(remote);
    return true;
  }

  private isForUs(username: string): boolean {
    const colon = username.indexOf(':');
    if (colon < 0 || username.slice(0, colon) !== this.local.ufrag) return false;
    return this.peerUfrag === undefined || username.slice(colon + 1) === this.peerUfrag;
  }

  private find(address: string, port: number): ValidRemote | undefined {
    for (const remote of this.remotes) if (remote.port === port && remote.address === address) return remote;
    return undefined;
  }

  private learn(address: string, port: number): ValidRemote | undefined {
    const known = this.find(address, port);
    if (known !== undefined) return known;
    if (this.remotes.length >= maxRemotes) return undefined;
    const remote: ValidRemote = { address, port, priority: 0, nominatedAtMs: Number.NEGATIVE_INFINITY };
    this.remotes.push(remote);
    return remote;
  }

  /**
   * A peer that nominates every pair it checks (aggressive nomination) means the one of highest
   * priority; a peer that changes networks nominates another and no longer the old one.
   */
  private nominate(remote: ValidRemote): void {
    const nowMs = this.deps.nowMs();
    remote.nominatedAtMs = nowMs;
    const chosen = this.chosen;
    if (chosen === remote) return;
    if (chosen !== undefined && remote.priority <= chosen.priority && nowMs - chosen.nominatedAtMs < staleNominationMs) return;
    this.chosen = remote;
    this.selected = { address: remote.address, port: remote.port };
    this.deps.onSelected(this.selected);
  }
}
