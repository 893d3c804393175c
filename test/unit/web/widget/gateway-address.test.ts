import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { gatewayAt } from '../../../../src/web/widget/gateway-address.js';

const said: unknown[] = [];
beforeEach(() => {
  // The script of this test comes from a file, so the page's own address counts.
  vi.stubGlobal('location', { href: 'https://shop.example/contact?x=1' });
  vi.spyOn(console, 'error').mockImplementation((text) => said.push(text));
  said.length = 0;
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

it.each([
  ['wss://call.example/sip', 'wss://call.example/sip'],
  ['ws://127.0.0.1:8080/sip', 'ws://127.0.0.1:8080/sip'],
  ['https://call.example/sip', 'wss://call.example/sip'],
  ['http://127.0.0.1:8080/', 'ws://127.0.0.1:8080/sip'],
  ['WSS://Call.Example', 'wss://call.example/sip'],
  ['wss://call.example/edge/sip?region=eu', 'wss://call.example/edge/sip?region=eu'],
  ['/voice', 'wss://shop.example/voice'],
  ['//call.example', 'wss://call.example/sip'],
  ['', 'wss://shop.example/sip'],
  [undefined, 'wss://shop.example/sip'],
])('reads %s as %s', (text, address) => {
  expect(gatewayAt(text)).toBe(address);
  expect(said).toEqual([]);
});

it.each(['http://nonsense^^', 'ftp://call.example', 'mailto:me@call.example', 'wss://'])(
  'says of %s that it is no address, and calls nobody by it, once',
  (text) => {
    expect([gatewayAt(text), gatewayAt(text)]).toEqual(['wss://gateway.invalid', 'wss://gateway.invalid']);
    expect(said).toEqual([`call-button: gateway="${text}" is no address`]);
  },
);
