import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { profileNames, readProfile } from '../../../src/config/profiles.js';
import { behaviour } from '../../../src/config/sections/trunk-behaviour.js';

const load = (trunk: string) => {
  const yaml = `
sip: { listen: ["udp:0.0.0.0:5060"] }
media: { publicAddress: 203.0.113.10 }
policy: { destinations: { allow: ["+44"] } }
trunks: [{ id: a, callerId: "+441", peers: [{ uri: "sip:h.example" }], ${trunk} }]`;
  const result = loadConfig(yaml, {});
  if (!result.ok) throw new Error(JSON.stringify(result.faults));
  return result.config.trunks[0];
};

describe('carrier profiles', () => {
  it('are there, each with a description, and each can be used as it stands', () => {
    const names = profileNames();
    expect(names).toEqual(expect.arrayContaining(['generic', 'national-pstn', 'pbx-registration', 'strict-ims', 'wholesale']));
    for (const name of names) {
      const profile = readProfile(name);
      expect(profile, name).toMatchObject({ ok: true });
      const extra = 'numbers: { countryCode: "44" }, register: { user: u, password: { env: P }, domain: d.example }';
      expect(load(`profile: ${name}, ${extra}`)?.profile, name).toBe(name);
      if (profile.ok) expect(profile.description.length, name).toBeGreaterThan(40);
    }
  });

  it('are all in the list beside them, with every key they may set', () => {
    const text = readFileSync(new URL('../../../config/profiles/README.md', import.meta.url), 'utf8');
    expect([...text.matchAll(/^\| `([a-z-]+)` \|/gm)].map((match) => match[1])).toEqual(profileNames());
    const keys = Object.keys(behaviour);
    expect(keys.length).toBeGreaterThan(8);
    for (const name of keys) expect(text, name).toContain(`\`${name}\``);
  });

  it('set the keys a trunk leaves out', () => {
    expect(load('profile: strict-ims')).toMatchObject({
      identity: { header: 'P-Asserted-Identity', historyInfo: true, diversion: false },
      earlyMedia: 'authorised',
      numbers: { userPhone: true },
      sessionTimer: { enabled: true, expiresSeconds: 1800 },
    });
  });

  it('leave the keys a trunk sets, inside a group too', () => {
    const trunk = load('profile: strict-ims, earlyMedia: relay, identity: { header: none }, retry: { nextTrunk: [403] }');
    expect(trunk?.earlyMedia).toBe('relay');
    expect(trunk?.identity).toMatchObject({ header: 'none', historyInfo: true });
    expect(trunk?.retry).toEqual({ nextPeer: [408, 500, 502, 503, 504, 580], nextTrunk: [403] });
  });

  it('change nothing for a trunk without one', () => {
    expect(load('')).toMatchObject({
      prack: 'supported',
      earlyMedia: 'heard',
      redirect: 'refuse',
      identity: { header: 'none', from: 'caller' },
    });
    expect(load('')?.options).toBeUndefined();
  });

  it('cannot be used when they say something a trunk does not have', () => {
    expect(readProfile('no-such-profile')).toMatchObject({ ok: false });
  });
});
