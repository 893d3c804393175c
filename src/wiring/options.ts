/** What each part is given out of the configuration. Parts never see the configuration itself. */
import { availableParallelism } from 'node:os';
import { formatHostPort, type HostPort } from '../base/address.js';
import type { BrowserDiallerOptions } from '../browser/browser-dialler.js';
import { type BrowserEdgeOptions, defaultRegistration } from '../browser/options.js';
import { type CallServiceOptions, defaultCallOptions } from '../call/options.js';
import type { InboundRule, InboundTarget } from '../call/routing.js';
import { isLocalOnly } from '../config/checks.js';
import { groupRingSeconds } from '../config/inbound-checks.js';
import type { GatewayConfig } from '../config/schema.js';
import type { Secrets } from '../config/secrets.js';
import { drachtioServers } from '../config/sections/drachtio.js';
import type { InboundConfig } from '../config/sections/inbound.js';
import { mediaBindAddress } from '../config/sections/media.js';
import { parseListen } from '../config/sections/sip.js';
import type { TrunkConfig } from '../config/sections/trunks.js';
import { isLoopback, originOf } from '../config/values.js';
import type { EmbeddedMediaOptions } from '../media/embedded/embedded-media-plane.js';
import type { DrachtioSipOptions } from '../sip/drachtio/options.js';
import type { EmbeddedSipOptions } from '../sip/embedded/embedded-sip.js';
import type { ProbeRules, RegisterOptions, TrunkOptions } from '../trunk/options.js';

export const seconds = (count: number): number => count * 1000;

const webSocketLimits = { handshakeTimeoutMs: 5_000, maxMessageBytes: 65_536, pingIntervalMs: 20_000, maxConnections: 10_000 };
const mediaTuning = { portQuarantineMs: 2_000, learnWindowMs: 5_000, learnPackets: 5 };
/** Who calls from a page that has not registered; trunks show their own caller id for him. */
const guest = { number: 'guest' };

/** What the SIP stack is told about TLS: the files as read, and the rules of the configuration. */
export function sipTls({ sip }: GatewayConfig, files: NonNullable<Secrets['sipTls']>): NonNullable<EmbeddedSipOptions['tls']> {
  return { ...files, verifyPeer: sip.tls?.verifyPeer ?? true, requestClientCert: sip.tls?.requestClientCert ?? false };
}

export function sipOptions(config: GatewayConfig, secrets: Secrets, ownOrigins: readonly string[]): EmbeddedSipOptions {
  const { sip, http } = config;
  const siteOrigins = config.sites.flatMap(({ origins }) => origins);
  const tls = secrets.sipTls;
  return {
    listen: sip.listen.flatMap((text) => parseListen(text) ?? []),
    ...(sip.publicAddress === undefined ? {} : { publicAddress: sip.publicAddress }),
    ...(tls === undefined ? {} : { tls: sipTls(config, tls) }),
    ...(sip.dnsServers === undefined ? {} : { dnsServers: sip.dnsServers }),
    webSocket: {
      allowedOrigins: [...new Set([...ownOrigins, ...http.allowedOrigins, ...siteOrigins])],
      trustedProxies: http.trustedProxies,
      ...webSocketLimits,
    },
    userAgent: sip.userAgent,
  };
}

/** The drachtio adapter's options; undefined when the gateway speaks SIP itself. */
export function drachtioOptions({ sip }: GatewayConfig, secrets: Secrets): DrachtioSipOptions | undefined {
  if (sip.stack !== 'drachtio' || sip.drachtio === undefined) return undefined;
  const { listen } = sip.drachtio;
  const listenSecret = secrets.drachtioListen;
  const servers = drachtioServers(sip.drachtio).map(({ host, port, tls }, at) => {
    const known = secrets.drachtio[at];
    const ca = known?.ca === undefined ? {} : { ca: known.ca };
    return { host, port, secret: known?.secret ?? '', ...(tls === undefined ? {} : { tls: { verifyPeer: tls.verifyPeer, ...ca } }) };
  });
  return {
    servers,
    ...(listen === undefined || listenSecret === undefined
      ? {}
      : { listen: { host: listen.host, port: listen.port, secret: listenSecret } }),
    userAgent: sip.userAgent,
  };
}

/** Origins of pages the gateway itself serves: under its public URL, and by every name this machine has for itself. */
export function ownOrigins({ http }: GatewayConfig, bound: HostPort): string[] {
  const scheme = http.tls === undefined ? 'http' : 'https';
  const names = isLoopback(http.host)
    ? ['127.0.0.1', 'localhost', '[::1]']
    : isLoopback(bound.host)
      ? []
      : [formatHostPort(bound).replace(/:\d+$/, '')];
  const local = names.map((name) => originOf(`${scheme}://${name}:${bound.port}`));
  const all = [...local, http.publicUrl === undefined ? undefined : originOf(http.publicUrl)];
  return all.filter((origin) => origin !== undefined);
}

export function mediaOptions({ media }: GatewayConfig): EmbeddedMediaOptions {
  return {
    workers: media.workers === 'auto' ? Math.max(1, availableParallelism() - 1) : media.workers,
    bindAddress: mediaBindAddress(media),
    ...(media.publicAddress === undefined ? {} : { publicAddress: media.publicAddress }),
    browserPorts: media.browserPorts,
    trunkPorts: media.trunkPorts,
    setupTimeoutMs: seconds(media.setupSeconds),
    silenceAfterMs: seconds(media.silenceSeconds),
    ...mediaTuning,
  };
}

export function callOptions({ policy, media, browser }: GatewayConfig): CallServiceOptions {
  return {
    ...defaultCallOptions,
    maxCalls: policy.maxCalls,
    ...(policy.maxCallsPerSecond === undefined ? {} : { maxCallsPerSecond: policy.maxCallsPerSecond }),
    ringMs: seconds(policy.ringSeconds),
    maxCallMs: seconds(policy.maxSeconds),
    setupMs: seconds(media.setupSeconds),
    flowGraceMs: seconds(browser.graceSeconds),
  };
}

export function trunkOptions(trunk: TrunkConfig, config: GatewayConfig, secrets: Secrets): TrunkOptions {
  const { register, numbers, sessionTimer, options } = trunk;
  const { countryCode, nationalPrefix, internationalPrefix } = numbers;
  const credentials = trunkCredentials(trunk, secrets);
  return {
    id: trunk.id,
    peers: trunk.peers,
    ...(credentials === undefined ? {} : { credentials }),
    ...(config.sip.publicAddress === undefined ? {} : { domain: config.sip.publicAddress }),
    callerId: trunk.callerId,
    numberFormat: trunk.numberFormat,
    numberPlan: { nationalPrefix, internationalPrefix, ...(countryCode === undefined ? {} : { countryCode }) },
    numberUri: { scheme: numbers.uri, userPhone: numbers.userPhone },
    identity: trunk.identity,
    ...(register === undefined ? {} : { register: registerOptions(register) }),
    ...(options === undefined ? {} : { probe: probeRules(options) }),
    retry: trunk.retry,
    redirect: trunk.redirect,
    silentMs: seconds(trunk.silentSeconds),
    stalledMs: seconds(trunk.stalledSeconds),
    reliable: trunk.prack,
    ...(sessionTimer === undefined ? {} : { sessionTimer: sessionTimer.enabled ? sessionTimer : 'off' }),
    earlyMedia: trunk.earlyMedia,
    transfer: trunk.transfer,
    hold: trunk.hold,
    digits: digitRules(trunk),
    codecs: trunk.codecs ?? config.media.codecs,
    allow: trunk.allow,
    mediaAllow: trunk.mediaAllow,
    audioMarker: trunk.audioMarker,
    ...(trunk.maxCalls === undefined ? {} : { maxCalls: trunk.maxCalls }),
    ...(trunk.callsPerSecond === undefined ? {} : { callsPerSecond: trunk.callsPerSecond }),
  };
}

function digitRules({ dtmf, dtmfInfo, secureDigitsHeader }: TrunkConfig): NonNullable<TrunkOptions['digits']> {
  return { mode: dtmf, info: dtmfInfo, ...(secureDigitsHeader === undefined ? {} : { secureHeader: secureDigitsHeader }) };
}

function trunkCredentials({ id, auth, register }: TrunkConfig, secrets: Secrets): TrunkOptions['credentials'] {
  const password = secrets.trunkPassword(id);
  if (auth !== undefined && password !== undefined) {
    return { user: auth.user, password, ...(auth.realm === undefined ? {} : { realm: auth.realm }) };
  }
  const registered = secrets.registerPassword(id);
  return register === undefined || registered === undefined ? undefined : { user: register.user, password: registered };
}

function registerOptions({ user, domain, expiresSeconds, contactUser }: NonNullable<TrunkConfig['register']>): RegisterOptions {
  return { user, domain, expiresSeconds, ...(contactUser === undefined ? {} : { contactUser }) };
}

function probeRules({ intervalSeconds, timeoutSeconds, failures, successes }: NonNullable<TrunkConfig['options']>): ProbeRules {
  return { intervalMs: seconds(intervalSeconds), timeoutMs: seconds(timeoutSeconds), failures, successes };
}

export function demoTrunk(carrier: HostPort, config: GatewayConfig): TrunkOptions {
  const peers = [{ uri: `sip:${formatHostPort(carrier)};transport=udp`, priority: 0, weight: 1 }];
  const rest = { callerId: '+15550100', numberFormat: 'as-dialled' as const, codecs: config.media.codecs, allow: [], mediaAllow: [] };
  return { id: 'demo', peers, ...rest };
}

/** Where the numbers of the configuration lead. */
export function inboundRules({ inbound, groups }: GatewayConfig): readonly InboundRule[] {
  const targetOf = (named: InboundConfig['to'], afterSeconds: number | undefined): InboundTarget[] => {
    const limit = afterSeconds === undefined ? {} : { ringMs: seconds(afterSeconds) };
    if (named.user !== undefined) return [{ to: { user: named.user }, ...limit }];
    if (named.number !== undefined) return [{ to: { number: named.number }, ...limit }];
    const group = groups.find(({ name }) => name === named.group);
    if (group === undefined) return [];
    const steps =
      group.strategy === 'simultaneous'
        ? [{ users: group.users }]
        : group.users.map((user) => ({ users: [user], ringMs: seconds(group.ringSeconds) }));
    return [{ to: { group: group.name, steps }, ringMs: seconds(afterSeconds ?? groupRingSeconds(group)) }];
  };
  return inbound.map(({ number, to, otherwise }) => ({
    number,
    targets: [
      ...targetOf(to, otherwise?.afterSeconds),
      ...(otherwise === undefined ? [] : targetOf(otherwise, undefined).map((target) => ({ ...target, when: otherwise.when }))),
    ],
  }));
}

export function browserOptions(config: GatewayConfig, secrets: Secrets, ticketsRequired: boolean): BrowserEdgeOptions {
  const { http, users, media, browser } = config;
  return {
    codecs: media.codecs,
    users: users.map(({ name, from }) => {
      const password = secrets.userPassword(name);
      return { name, ...(password === undefined ? {} : { password }), ...(from === undefined ? {} : { from }) };
    }),
    realm: http.publicUrl === undefined ? 'gateway' : new URL(http.publicUrl).hostname,
    allowPasswordless: isLocalOnly(config),
    ticketsRequired,
    ...(browser.guests ? { guest } : {}),
    registration: defaultRegistration,
  };
}

/** How users are called. */
export function browserDiallerOptions({ users, groups }: GatewayConfig, realm: string): BrowserDiallerOptions {
  const declineStopsAll = groups.filter((group) => group.declineStopsAll).map(({ name }) => name);
  return { realm, busyUsers: users.filter(({ busyOnBusy }) => busyOnBusy).map(({ name }) => name), declineStopsAll };
}
