/** The messages of RFC 4475 §3.2 to §3.4: sound or nearly sound text whose meaning is the test. */
import { crlf, leftAbove, length, refused, sdp, type TortureMessage } from './torture-message.js';

const multi01Body = sdp('192.0.2.25');

export const semanticMessages: readonly TortureMessage[] = [
  leftAbove(
    '3.2.1',
    'badbranch',
    'Missing Transaction Identifier',
    'transactions match as RFC 2543 had it, or 400',
    crlf(`OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: sip:caller@example.org;tag=33242
Max-Forwards: 3
Via: SIP/2.0/UDP 192.0.2.1;rport;branch=z9hG4bK
Accept: application/sdp
Call-ID: badbranch.sadonfo23i420jv0as0derf3j3n
CSeq: 8 OPTIONS
l: 0

`),
  ),
  refused(
    '3.3.1',
    'insuf',
    'Missing Required Header Fields',
    'Missing From',
    crlf(`INVITE sip:user@example.com SIP/2.0
CSeq: 193942 INVITE
Via: SIP/2.0/UDP 192.0.2.95;rport;branch=z9hG4bKkdj.insuf
Content-Type: application/sdp
l: ${length(sdp('192.0.2.95'))}

${sdp('192.0.2.95')}`),
  ),
  leftAbove(
    '3.3.2',
    'unkscm',
    'Request-URI with Unknown Scheme',
    '416',
    crlf(`OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=384
Max-Forwards: 3
Call-ID: unkscm.nasdfasser0q239nwsdfasdkl34
CSeq: 3923423 OPTIONS
Via: SIP/2.0/TCP host9.example.com;rport;branch=z9hG4bKkdjuw39234
Content-Length: 0

`),
  ),
  leftAbove(
    '3.3.3',
    'novelsc',
    'Request-URI with Known but Atypical Scheme',
    '416',
    crlf(`OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=384
Max-Forwards: 3
Call-ID: novelsc.asdfasser0q239nwsdfasdkl34
CSeq: 3923423 OPTIONS
Via: SIP/2.0/TCP host9.example.com;rport;branch=z9hG4bKkdjuw39234
Content-Length: 0

`),
  ),
  leftAbove(
    '3.3.4',
    'unksm2',
    'Unknown URI Schemes in Header Fields',
    'a registrar refuses the To URI, 400 or 404',
    crlf(`REGISTER sip:example.com SIP/2.0
To: isbn:2983792873
From: <http://www.example.com>;tag=3234233
Call-ID: unksm2.daksdj@hyphenated-host.example.com
CSeq: 234902 REGISTER
Max-Forwards: 70
Via: SIP/2.0/UDP 192.0.2.21:5060;rport;branch=z9hG4bKkdjuw
Contact: <name:John_Smith>
l: 0

`),
  ),
  leftAbove(
    '3.3.5',
    'bext01',
    'Proxy-Require and Require',
    '420 with Unsupported',
    crlf(`OPTIONS sip:user@example.com SIP/2.0
To: sip:j_user@example.com
From: sip:caller@example.net;tag=242etr
Max-Forwards: 6
Call-ID: bext01.0ha0isndaksdj
Require: nothingSupportsThis, nothingSupportsThisEither
Proxy-Require: noProxiesSupportThis, norDoAnyProxiesSupportThis
CSeq: 8 OPTIONS
Via: SIP/2.0/TLS fold-and-staple.example.com;rport;branch=z9hG4bKkdjuw
Content-Length: 0

`),
  ),
  leftAbove(
    '3.3.6',
    'invut',
    'Unknown Content-Type',
    '415',
    crlf(`INVITE sip:user@example.com SIP/2.0
Contact: <sip:caller@host5.example.net>
To: sip:j.user@example.com
From: sip:caller@example.net;tag=8392034
Max-Forwards: 70
Call-ID: invut.0ha0isndaksdjadsfij34n23d
CSeq: 235448 INVITE
Via: SIP/2.0/UDP somehost.example.com;rport;branch=z9hG4bKkdjuw
Content-Type: application/unknownformat
Content-Length: 40

<audio>
 <pcmu port="443"/>
</audio>
`),
  ),
  leftAbove(
    '3.3.7',
    'regaut01',
    'Unknown Authorization Scheme',
    '401 with a scheme we know',
    crlf(`REGISTER sip:example.com SIP/2.0
To: sip:j.user@example.com
From: sip:j.user@example.com;tag=87321hj23128
Max-Forwards: 8
Call-ID: regaut01.0ha0isndaksdj
CSeq: 9338 REGISTER
Via: SIP/2.0/TCP 192.0.2.253;rport;branch=z9hG4bKkdjuw
Authorization: NoOneKnowsThisScheme opaque-data=here
Content-Length:0

`),
  ),
  refused(
    '3.3.8',
    'multi01',
    'Multiple Values in Single Value Required Fields',
    'Repeated CSeq',
    crlf(`INVITE sip:user@company.com SIP/2.0
Contact: <sip:caller@host25.example.net>
Via: SIP/2.0/UDP 192.0.2.25;rport;branch=z9hG4bKkdjuw
Max-Forwards: 70
CSeq: 5 INVITE
Call-ID: multi01.98asdh@192.0.2.1
CSeq: 59 INVITE
Call-ID: multi01.98asdh@192.0.2.2
From: sip:caller@example.com;tag=3413415
To: sip:user@example.com
To: sip:other@example.net
From: sip:caller@example.net;tag=2923420123
Content-Type: application/sdp
l: ${length(multi01Body)}
Contact: <sip:caller@host36.example.net>
Max-Forwards: 5

${multi01Body}`),
  ),
  refused(
    '3.3.9',
    'mcl01',
    'Multiple Content-Length Values',
    'Malformed Content-Length',
    crlf(`OPTIONS sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP host5.example.net;rport;branch=z9hG4bK293423
To: sip:user@example.com
From: sip:other@example.net;tag=3923942
Call-ID: mcl01.fhn2323orihawfdoa3o4r52o3irsdf
CSeq: 15932 OPTIONS
Content-Length: 13
Max-Forwards: 60
Content-Length: 5
Content-Type: text/plain

There's no way to know how many octets are supposed to be here.
`),
  ),
  leftAbove(
    '3.3.10',
    'bcast',
    '200 OK Response with Broadcast Via Header Field Value',
    'dropped: the lower Via is not ours to follow',
    crlf(`SIP/2.0 200 OK
Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923
Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23
Call-ID: bcast.0384840201234ksdfak3j2erwedfsASdf
CSeq: 35 INVITE
From: sip:user@example.com;tag=11141343
To: sip:user@example.edu;tag=2229
Content-Length: ${length(sdp('192.0.2.198'))}
Content-Type: application/sdp
Contact: <sip:user@host28.example.com>

${sdp('192.0.2.198')}`),
  ),
  leftAbove(
    '3.3.11',
    'zeromf',
    'Max-Forwards of Zero',
    'answered by us, 483 if it had to go on',
    crlf(`OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=3ghsd41
Call-ID: zeromf.jfasdlfnm2o2l43r5u0asdfas
CSeq: 39234321 OPTIONS
Via: SIP/2.0/UDP host1.example.com;rport;branch=z9hG4bKkdjuw2349i
Max-Forwards: 0
Content-Length: 0

`),
  ),
  leftAbove(
    '3.3.12',
    'cparam01',
    'REGISTER with a Contact Header Parameter',
    'registered; unknownparam belongs to the header',
    crlf(`REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/UDP saturn.example.com:5060;rport;branch=z9hG4bKkdjuw
Max-Forwards: 70
From: sip:watson@example.com;tag=DkfVgjkrtMwaerKKpe
To: sip:watson@example.com
Call-ID: cparam01.70710@saturn.example.com
CSeq: 2 REGISTER
Contact: sip:+19725552222@gw1.example.net;unknownparam
l: 0

`),
  ),
  leftAbove(
    '3.3.13',
    'cparam02',
    'REGISTER with a url-parameter',
    'registered; unknownparam belongs to the URI',
    crlf(`REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/UDP saturn.example.com:5060;rport;branch=z9hG4bKkdjuw
Max-Forwards: 70
From: sip:watson@example.com;tag=838293
To: sip:watson@example.com
Call-ID: cparam02.70710@saturn.example.com
CSeq: 3 REGISTER
Contact: <sip:+19725552222@gw1.example.net;unknownparam>
l: 0

`),
  ),
  leftAbove(
    '3.3.14',
    'regescrt',
    'REGISTER with a URL Escaped Header',
    'registered; the escaped header belongs to the URI',
    crlf(`REGISTER sip:example.com SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=8
Max-Forwards: 70
Call-ID: regescrt.k345asrl3fdbv@192.0.2.1
CSeq: 14398234 REGISTER
Via: SIP/2.0/UDP host5.example.com;rport;branch=z9hG4bKkdjuw
M: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>
L:0

`),
  ),
  leftAbove(
    '3.3.15',
    'sdp01',
    'Unacceptable Accept Offering',
    '406, no session description is acceptable to the caller',
    crlf(`INVITE sip:user@example.com SIP/2.0
To: sip:j_user@example.com
Contact: <sip:caller@host15.example.net>
From: sip:caller@example.net;tag=234
Max-Forwards: 5
Call-ID: sdp01.ndaksdj9342dasdd
Accept: text/nobodyKnowsThis
CSeq: 8 INVITE
Via: SIP/2.0/UDP 192.0.2.15;rport;branch=z9hG4bKkdjuw
Content-Length: ${length(sdp('192.0.2.5'))}
Content-Type: application/sdp

${sdp('192.0.2.5')}`),
  ),
  leftAbove(
    '3.4.1',
    'inv2543',
    'INVITE with RFC 2543 Syntax',
    'answered as any INVITE',
    crlf(`INVITE sip:UserB@example.com SIP/2.0
Via: SIP/2.0/UDP iftgw.example.com
From: <sip:+13035551111@ift.client.example.net;user=phone>
Record-Route: <sip:UserB@example.com;maddr=ss1.example.com>
To: sip:+16505552222@ss1.example.net;user=phone
Call-ID: inv2543.1717@ift.client.example.com
CSeq: 56 INVITE
Content-Type: application/sdp

v=0
o=mhandley 29739 7272939 IN IP4 192.0.2.5
s=-
c=IN IP4 192.0.2.5
t=0 0
m=audio 49217 RTP/AVP 0
`),
  ),
];
