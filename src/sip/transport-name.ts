/** What SIP runs over (RFC 3261 §18, RFC 7118). */
export type SipTransport = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';
