/**
 * The peers that may be reached through the embedded server: the gateway's own media ports, and nothing
 * else. So the server cannot become an open relay, nor a way into the operator's network.
 */
import { isIPv6 } from 'node:net';
import { announcedAddresses } from '../media/embedded/transport/announced-addresses.js';
import { canonicalAddress } from '../media/stun/stun-address.js';

export interface PeerRuleOptions {
  /** The address that SDP tells browsers. */
  readonly address: string;
  /** Where the media sockets are bound. */
  readonly bindAddress: string;
  readonly ports: { readonly min: number; readonly max: number };
}

export class PeerRule {
  /** As clients know it, in the form of `readXorAddress`. */
  readonly address: string;
  /**
   * Where that is on this machine, where relays are bound, and what clients are told of them. The public
   * address may be that of a router which does not send back what comes from within. And a client must be
   * told the very address that the media port sees, since ICE tells it that one too (RFC 8445 §7.2.5.3.1).
   */
  readonly localAddress: string;
  readonly isIpv6: boolean;
  private readonly canonicalLocal: string;

  constructor(private readonly options: PeerRuleOptions) {
    this.address = canonicalAddress(options.address);
    this.localAddress = localAddressOf(options);
    this.isIpv6 = isIPv6(options.address);
    this.canonicalLocal = canonicalAddress(this.localAddress);
  }

  allows(address: string): boolean {
    return address === this.address;
  }

  allowsPort(port: number): boolean {
    const { min, max } = this.options.ports;
    return port >= min && port <= max;
  }

  /** Whether a datagram that reached a relay is from one of those peers. */
  isPeer(localAddress: string, port: number): boolean {
    return this.allowsPort(port) && (localAddress === this.localAddress || canonicalAddress(localAddress) === this.canonicalLocal);
  }
}

function localAddressOf({ address, bindAddress }: PeerRuleOptions): string {
  const [first, ...others] = announcedAddresses(bindAddress, undefined);
  return others.includes(address) ? address : first;
}
