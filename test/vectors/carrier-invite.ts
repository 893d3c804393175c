import { crlf } from './rfc4475/torture-message.js';

const session = `v=0
o=- 1727181920 1727181920 IN IP4 203.0.113.20
s=-
c=IN IP4 203.0.113.20
t=0 0
m=audio 24680 RTP/AVP 8 0 101
a=rtpmap:8 PCMA/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
a=maxptime:40
a=sendrecv
`;

/** An INVITE as a carrier sends it: 19 header fields and a session description. */
export const carrierInvite: Buffer = crlf(`INVITE sip:+15550123456@198.51.100.7:5060;user=phone;transport=udp SIP/2.0
Record-Route: <sip:203.0.113.10;lr;ftag=as58f4201b;did=a21.7d6>
Via: SIP/2.0/UDP 203.0.113.10:5060;branch=z9hG4bK5a1f.3b4c2d1e0f9a8b7c6d5e4f3a2b1c0d9e.0;rport
Via: SIP/2.0/UDP 203.0.113.11:5080;received=203.0.113.11;branch=z9hG4bK3e9d1f7a;rport=5080
Max-Forwards: 68
From: "Anna Example" <sip:+15550199887@203.0.113.10;user=phone>;tag=as58f4201b
To: <sip:+15550123456@198.51.100.7;user=phone>
Contact: <sip:+15550199887@203.0.113.11:5080;transport=udp>
Call-ID: 4f0d6a2b1c3e5d7f9a8b@203.0.113.11
CSeq: 102 INVITE
User-Agent: Carrier-SBC/9.4.1
Date: Sat, 14 Nov 2026 10:20:30 GMT
Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, SUBSCRIBE, NOTIFY, INFO, PUBLISH, MESSAGE, PRACK, UPDATE
Supported: replaces, timer, 100rel
Session-Expires: 1800;refresher=uac
Min-SE: 90
P-Asserted-Identity: "Anna Example" <sip:+15550199887@203.0.113.10;user=phone>
Privacy: none
Content-Type: application/sdp
Content-Length: ${crlf(session).length}

${session}`);
