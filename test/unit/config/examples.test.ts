import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../../src/config/load.js';
import { resolveSecrets } from '../../../src/config/secrets.js';
import { drachtioOptions } from '../../../src/wiring/options.js';

const read = (name: string): string => readFileSync(new URL(`../../../config/examples/${name}`, import.meta.url), 'utf8');

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
  text: string;
}

function elementOf(name: string, attributes: string): Element {
  const pairs = [...attributes.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key, value] as const);
  return { name, attributes: Object.fromEntries(pairs), children: [], text: '' };
}

function plainText(words: string): string {
  if (/&(?!\w+;|#\d+;)/.test(words)) throw new Error('a bare ampersand');
  return words.trim();
}

/** Reads the XML that configuration files use, and fails on anything that is not well-formed. */
function readXml(source: string): Element {
  const root: Element = { name: '', attributes: {}, children: [], text: '' };
  const open = [root];
  const comment = /<!--(?:(?!--)[\s\S])*-->/g;
  const text = source.replace(/^<\?xml[^?]*\?>/, '').replace(comment, '');
  const piece = /<(\/?)([\w-]+)((?:\s+[\w-]+="[^"<]*")*)\s*(\/?)>|([^<]+)|</g;
  for (const [, closing, name = '', attributes = '', empty, words] of text.matchAll(piece)) {
    const inside = open.at(-1);
    if (inside === undefined) throw new Error('an element is closed that was never opened');
    if (words !== undefined) {
      inside.text += plainText(words);
    } else if (name === '') {
      throw new Error(`a stray < inside ${inside.name}`);
    } else if (closing === '/') {
      if (open.pop()?.name !== name) throw new Error(`</${name}> closes another element`);
    } else {
      const element = elementOf(name, attributes);
      inside.children.push(element);
      if (empty !== '/') open.push(element);
    }
  }
  if (open.length !== 1 || root.children.length !== 1 || root.text !== '') throw new Error('not one whole document');
  return root.children[0] ?? root;
}

function find(element: Element, ...path: readonly string[]): Element {
  const [name, ...rest] = path;
  if (name === undefined) return element;
  const child = element.children.find((each) => each.name === name);
  if (child === undefined) throw new Error(`no ${name} in ${element.name}`);
  return find(child, ...rest);
}

describe('the reader of these tests', () => {
  it.each(['<a><b></a></b>', '<a>', '<a/><b/>', '<a>1 < 2</a>', 'x<a/>', '<a>&</a>', '</a>'])('refuses %s', (text) => {
    expect(() => readXml(text)).toThrow();
  });
});

describe('the drachtio example', () => {
  it('is a well-formed server configuration that keeps applications on loopback', () => {
    const server = readXml(read('drachtio.conf.xml'));
    const admin = find(server, 'admin');
    expect([server.name, admin.text, admin.attributes['port']]).toEqual(['drachtio', '127.0.0.1', '9022']);
    const contacts = find(server, 'sip', 'contacts').children.map(({ text }) => text);
    expect(contacts).toEqual([expect.stringMatching(/transport=udp,tcp$/), expect.stringMatching(/^sips:.*transport=wss$/)]);
  });

  it('has no secret anywhere', () => {
    const admin = find(readXml(read('drachtio.conf.xml')), 'admin');
    expect(Object.keys(admin.attributes)).toEqual(['port']);
    const compose = parse(read('drachtio-compose.yaml')) as { services: Record<string, { environment: Record<string, string> }> };
    const values = Object.values(compose.services).flatMap(({ environment }) => Object.values(environment));
    expect(values.length).toBeGreaterThan(2);
    for (const value of values) expect(value).toMatch(/^\$\{\w+:\?/);
  });

  it('mounts the files it comes with, where the programs look for them', () => {
    const compose = parse(read('drachtio-compose.yaml')) as { services: Record<string, { volumes: string[]; network_mode: string }> };
    expect(compose.services['drachtio']?.volumes).toContain('./drachtio.conf.xml:/etc/drachtio.conf.xml:ro');
    expect(compose.services['gateway']?.volumes).toContain('./drachtio-gateway.yaml:/etc/gateway/gateway.yaml:ro');
    expect(Object.values(compose.services).map((service) => service.network_mode)).toEqual(['host', 'host']);
  });

  it('has a gateway configuration that loads and finds the server of the other file', () => {
    const loaded = loadConfig(read('drachtio-gateway.yaml'), {});
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
    const { secrets, faults } = resolveSecrets(loaded.config, {
      environment: { DRACHTIO_SECRET: 'long', TRUNK_PASSWORD: 'p', GATEWAY_ADMIN_TOKEN: 't', ALICE_PASSWORD: 'a' },
      readFile: () => '',
    });
    expect(faults).toEqual([]);
    const admin = find(readXml(read('drachtio.conf.xml')), 'admin');
    const server = { host: admin.text, port: Number(admin.attributes['port']), secret: 'long' };
    expect(drachtioOptions(loaded.config, secrets)?.servers).toEqual([server]);
  });
});

describe('the shop example', () => {
  it('has a gateway configuration that loads, with every secret outside of it', () => {
    const loaded = loadConfig(read('shop-gateway.yaml'), {});
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
    const environment = { SHOP_SECRET: 'a secret of at least 24 characters', TRUNK_PASSWORD: 'p', GATEWAY_ADMIN_TOKEN: 't' };
    expect(resolveSecrets(loaded.config, { environment, readFile: () => '' }).faults).toEqual([]);
    const site = loaded.config.sites[0];
    expect(read('static-page/index.html')).toContain(`site="${site?.key}" to="${site?.destinations[0]?.name}"`);
    expect(read('static-page/index.html')).not.toContain(site?.destinations[0]?.number);
  });
});

describe('drachtio servers in the configuration', () => {
  const options = (yaml: string, environment: Record<string, string>) => {
    const loaded = loadConfig(yaml, {});
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
    const { secrets, faults } = resolveSecrets(loaded.config, { environment, readFile: () => 'PEM' });
    return { faults, options: drachtioOptions(loaded.config, secrets) };
  };

  it('can be several, with TLS and a listener', () => {
    const yaml = `
browser: { guests: false }
sip:
  stack: drachtio
  drachtio:
    servers:
      - { host: one.example, secret: { env: ONE } }
      - { host: two.example, port: 9023, secret: { env: TWO }, tls: { ca: /ca.pem } }
    listen: { port: 3002, secret: { env: THREE } }`;
    expect(options(yaml, { ONE: '1', TWO: '2', THREE: '3' })).toEqual({
      faults: [],
      options: {
        servers: [
          { host: 'one.example', port: 9022, secret: '1' },
          { host: 'two.example', port: 9023, secret: '2', tls: { verifyPeer: true, ca: 'PEM' } },
        ],
        listen: { host: '127.0.0.1', port: 3002, secret: '3' },
        userAgent: 'webrtc-pstn-gateway',
      },
    });
  });

  it('name the secret that cannot be had', () => {
    const yaml =
      'browser: { guests: false }\nsip: { stack: drachtio, drachtio: { servers: [{ host: a.example, secret: { env: NONE } }] } }';
    expect(options(yaml, {}).faults.map(({ path }) => path)).toEqual(['sip.drachtio.servers[0].secret']);
  });

  it('are left alone while the gateway speaks SIP itself', () => {
    const found = options('sip: { drachtio: { host: a.example, secret: { env: NONE } } }', {});
    expect(found).toEqual({ faults: [], options: undefined });
  });
});
