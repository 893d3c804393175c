import type { Site } from '../../src/auth/site.js';
import { Sites } from '../../src/auth/site.js';
import { TicketDesk } from '../../src/auth/ticket-desk.js';
import { TicketIssuer } from '../../src/auth/ticket-issuer.js';
import { passingKey, type SigningKey, type TicketKey } from '../../src/auth/ticket-keys.js';
import { TicketVerifier } from '../../src/auth/ticket-verifier.js';
import { UsedTickets } from '../../src/auth/used-tickets.js';
import { FakeClock } from './fake-clock.js';

export const shopOrigin = 'https://shop.example';
export const shopSecret = 'a-secret-of-the-shop-back-end';
export const audience = 'https://call.example';

/** A website with a back end, whose pages may ask for tickets themselves too. */
export const shop: Site = {
  key: 'pk_shop',
  secret: shopSecret,
  origins: [shopOrigin],
  destinations: [
    { name: 'sales', number: '+442079460018' },
    { name: 'service', number: '+442079460019' },
  ],
  from: '+442079460001',
  callerIds: ['+442079460002'],
  maxSeconds: 600,
  anonymous: { ticketsPerHour: 3 },
};

/** A website whose back end asks for all tickets. */
export const bank: Site = {
  key: 'pk_bank',
  secret: 'a-secret-of-the-bank-back-end',
  origins: ['https://bank.example'],
  destinations: [{ name: 'advice', number: '+442079460077' }],
};

/** A website whose tickets say nothing of origins, for a SIP server before us that does not tell them. */
export const plain: Site = {
  key: 'pk_plain',
  secret: 'a-secret-of-the-plain-back-end',
  origins: ['*'],
  destinations: [{ name: 'desk', number: '+442079460055' }],
};

/** The ticket office of a gateway, on a clock that stands still. */
export class Office {
  readonly clock = new FakeClock();
  readonly sites: Sites;
  readonly usedIds: string[] = [];
  readonly used = new UsedTickets((id) => this.usedIds.push(id), { clock: this.clock });
  readonly key: SigningKey;
  readonly issuer: TicketIssuer;
  readonly verifier: TicketVerifier;
  readonly desk: TicketDesk;

  constructor(more: readonly TicketKey[] = [], key: SigningKey = passingKey(), sites = new Sites([shop, bank])) {
    const { clock, used } = this;
    this.sites = sites;
    this.key = key;
    this.issuer = new TicketIssuer({ audience, lifetimeSeconds: 120 }, { key, clock });
    this.verifier = new TicketVerifier(
      { audience, skewSeconds: 30, maxLifetimeSeconds: 3600 },
      { sites, keys: [key, ...more], used, clock },
    );
    const mayDial = (number: string): boolean => number.startsWith('+44');
    this.desk = new TicketDesk({ maxLifetimeSeconds: 3600, perAddressPerHour: 60 }, { sites, issuer: this.issuer, mayDial, clock });
  }
}
