/** What a test asks of a user agent that is not ours, in words that fit both; each does it by its own interface. */
export interface StockPhone {
  /** Connects, and registers unless the account says no. */
  start(account: Account): Promise<void>;
  call(number: string): Promise<void>;
  /** Calls with a ticket in `Authorization: Bearer` (RFC 8898); `what` is the destination, a space and the ticket. */
  callWithTicket(what: string): Promise<void>;
  answer(): Promise<void>;
  reject(): Promise<void>;
  hangUp(): Promise<void>;
  hold(): Promise<void>;
  resume(): Promise<void>;
  /** By the way of the client: in the media, or by INFO. */
  pressKeys(keys: string): Promise<void>;
  /** Hands the far end over to another number (RFC 3515). */
  transfer(number: string): Promise<void>;
}

export interface Account {
  /** WebSocket URL. */
  readonly gateway: string;
  readonly user: string;
  readonly password: string;
  /** A page of a website has no account, and only calls. */
  readonly guest?: boolean;
}

/**
 * What happened in the page, in order: `connected` (of a guest), `registered`, `incoming <caller>`, `progress <status>`,
 * `answered`, `held`, `resumed`, `held by the far end`, `resumed by the far end`, `key <digit>`,
 * `transfer <status>`, `refused <status>`, `over`.
 */
export type Note = (what: string) => void;

/** Stands for the gateway in SIP URIs; the WebSocket says where messages go (RFC 7118 §5). */
export const gatewayHost = 'gateway.invalid';

/** No STUN server: everything is on this machine. */
export const peerConnection: RTCConfiguration = { iceServers: [] };
