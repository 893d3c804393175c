import { readdirSync, readFileSync, statSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/**
 * The direction of imports. A file belongs to the longest room that is a prefix of its path; it may
 * import its own room, the rooms listed, and the third-party packages listed. Node's own modules
 * are free except where `noNode` says that a room is pure.
 */
interface Room {
  readonly mayImport: readonly string[];
  readonly packages?: readonly string[];
  readonly noNode?: boolean;
}

const pureMedia = ['base', 'media/rtp', 'media/codec', 'media/dtmf'];

const embeddedFile = (name: string): string => `sip/embedded/${name}.ts`;

const rooms: Readonly<Record<string, Room>> = {
  base: { mayImport: [] },
  config: { mayImport: ['base', 'policy/destinations.ts'], packages: ['zod', 'yaml'] },
  sip: { mayImport: ['base'] },
  'sip/embedded': { mayImport: ['base', 'sip'], packages: ['ws'] },
  /** The embedded stack's message text, digest and guards; none of its transports, transactions or dialogs. */
  'sip/drachtio': {
    mayImport: [
      ...['base', 'sip'],
      ...['challenge-retry', 'counting-clock', 'digest-client', 'early-offer', 'extra-headers', 'guard', 'header-readers', 'message'].map(
        embeddedFile,
      ),
      ...['parse-error', 'parser', 'port-values', 'session-body'].map(embeddedFile),
    ],
    packages: ['drachtio-srf'],
  },
  'media/rtp': { mayImport: ['base'] },
  'media/codec': { mayImport: ['base'] },
  'media/dtmf': { mayImport: ['base', 'media/rtp'] },
  'media/sdp': { mayImport: ['base'], packages: ['sdp-transform'] },
  /** STUN messages, for ICE and for TURN. */
  'media/stun': { mayImport: [] },
  'media/relay': { mayImport: pureMedia },
  media: { mayImport: [...pureMedia, 'media/sdp', 'media/relay'] },
  'media/embedded/transport': { mayImport: [...pureMedia, 'media', 'media/sdp'] },
  'media/embedded/srtp': { mayImport: ['base', 'media/rtp'] },
  'media/embedded/udp': { mayImport: [...pureMedia, 'media', 'media/sdp', 'media/relay', 'media/embedded/transport'] },
  'media/embedded/webrtc': {
    mayImport: [...pureMedia, 'media', 'media/sdp', 'media/stun', 'media/relay', 'media/embedded/transport', 'media/embedded/srtp'],
    packages: ['werift'],
  },
  'media/embedded': {
    mayImport: [
      ...[...pureMedia, 'media', 'media/sdp', 'media/relay'],
      ...['media/embedded/transport', 'media/embedded/udp', 'media/embedded/webrtc'],
    ],
  },
  call: { mayImport: ['base', 'sip', 'media', 'media/dtmf'] },
  browser: { mayImport: ['base', 'sip', 'call', 'auth'] },
  trunk: { mayImport: ['base', 'sip', 'call'] },
  /** Call tickets and the websites they belong to. */
  auth: { mayImport: ['base'], packages: ['jose'] },
  'policy/limits': { mayImport: ['base', 'call', 'policy/spelling.ts'] },
  policy: { mayImport: ['base', 'call', 'policy/limits'] },
  cdr: { mayImport: ['base', 'call', 'media'] },
  metrics: { mayImport: ['base', 'call', 'media'], packages: ['prom-client'] },
  /** What is kept of a call, and how it is told. */
  story: { mayImport: ['base', 'sip', 'call', 'media', 'cdr'] },
  /** STUN and TURN: credentials for pages, and a small server. */
  turn: {
    mayImport: ['base', 'media/stun', ...['announced-addresses', 'datagram-socket'].map((name) => `media/embedded/transport/${name}.ts`)],
  },
  admin: { mayImport: ['base', 'call', 'cdr', 'story', 'metrics', 'auth', 'turn', 'policy/limits'], packages: ['fastify'] },
  /** Plays telephone-events to any gateway, as caller and as called side, and judges what comes out. */
  conformance: { mayImport: ['base', 'sip', 'sip/embedded', 'media/rtp', 'media/codec', 'media/dtmf', 'media/sdp'] },
  cli: { mayImport: ['base', 'config', 'conformance', 'auth', 'wiring', 'gateway.ts'], packages: ['pino'] },
  'web/widget': { mayImport: ['call/failure-code.ts'], packages: ['sip.js', 'lit'], noNode: true },
  'web/demo': { mayImport: [], noNode: true },
  /** Draws what the API answers; it takes nothing from those rooms but types. */
  'web/dashboard': { mayImport: ['admin', 'cdr', 'story'], packages: ['lit', 'uplot'], noNode: true },
  /** Builds the browser code; `sip-grammar.ts` goes into the widget's bundle in place of a part of sip.js. */
  web: { mayImport: [], packages: ['esbuild', 'terser', 'sip.js'] },
  demo: { mayImport: ['base', 'sip', 'sip/embedded', 'media', 'media/rtp', 'media/sdp', 'media/codec', 'media/dtmf'] },
  /** Parts made out of the configuration, each with what it is joined to; `gateway.ts` gives them a life. */
  wiring: {
    mayImport: [
      ...['base', 'config', 'sip', 'sip/drachtio', 'sip/embedded', 'media', 'media/embedded', 'call', 'call/transfer', 'browser', 'trunk'],
      ...['auth', 'policy', 'policy/limits', 'cdr', 'story', 'metrics', 'admin', 'turn'],
    ],
  },
  'gateway.ts': {
    mayImport: [
      ...['wiring', 'base', 'config', 'sip', 'sip/drachtio', 'sip/embedded', 'media', 'media/embedded', 'call'],
      ...['policy', 'cdr', 'metrics', 'admin'],
    ],
  },
};

const root = normalize(join(dirname(fileURLToPath(import.meta.url)), '..', 'src'));
const importPattern = /(?:^|\n)\s*(?:import|export)\s(?:[^'";]*?\sfrom\s)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;

function sourceFiles(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return sourceFiles(path);
    return /\.(ts|mjs)$/.test(name) ? [path] : [];
  });
}

function roomOf(path: string): string | undefined {
  return Object.keys(rooms)
    .filter((room) => path === room || path.startsWith(`${room}/`))
    .sort((a, b) => b.length - a.length)[0];
}

interface Import {
  readonly file: string;
  readonly room: string | undefined;
  readonly target: string;
}

function packageName(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier);
}

function readImports(): Import[] {
  return sourceFiles(root).flatMap((path) => {
    const file = relative(root, path);
    const text = readFileSync(path, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
    return [...text.matchAll(importPattern)].map((match) => {
      const specifier = match[1] ?? match[2] ?? '';
      const target = specifier.startsWith('.') ? relative(root, join(dirname(path), specifier)).replace(/\.js$/, '.ts') : specifier;
      return { file, room: roomOf(file), target };
    });
  });
}

function faultOf({ file, room, target }: Import): string | undefined {
  const rule = room === undefined ? undefined : rooms[room];
  if (rule === undefined) return `${file}: its folder has no row in the table`;
  if (target.startsWith('node:') || builtinModules.includes(target)) {
    return rule.noNode === true ? `${file}: imports ${target}, but ${room} runs in a browser` : undefined;
  }
  const targetRoom = target.endsWith('.ts') || target.endsWith('.mjs') ? roomOf(target) : undefined;
  if (targetRoom === undefined) {
    const name = packageName(target);
    return rule.packages?.includes(name) ? undefined : `${file}: imports the package ${name}, which is fenced to other folders`;
  }
  if (targetRoom === room || rule.mayImport.includes(targetRoom) || rule.mayImport.includes(target)) return undefined;
  return `${file}: ${room} may not import ${targetRoom} (${target})`;
}

describe('the direction of imports', () => {
  const imports = readImports();

  it('reads the whole source, so that the checks below cannot pass on nothing', () => {
    expect(sourceFiles(root).length).toBeGreaterThan(30);
    expect(imports.length).toBeGreaterThan(50);
  });

  it('follows the table', () => {
    expect(imports.map(faultOf).filter((fault) => fault !== undefined)).toEqual([]);
  });

  it('has no cycle between rooms', () => {
    const visit = (room: string, trail: readonly string[]): readonly string[] | undefined => {
      if (trail.includes(room)) return [...trail, room];
      for (const next of rooms[room]?.mayImport ?? []) {
        const cycle = next === 'media' && room.startsWith('media/') ? undefined : visit(next, [...trail, room]);
        if (cycle !== undefined) return cycle;
      }
      return undefined;
    };
    expect(
      Object.keys(rooms)
        .map((room) => visit(room, []))
        .filter((cycle) => cycle !== undefined),
    ).toEqual([]);
  });

  it('has a room for every row', () => {
    const files = sourceFiles(root).map((path) => relative(root, path));
    expect(Object.keys(rooms).filter((room) => !files.some((file) => roomOf(file) === room))).toEqual([]);
  });
});
