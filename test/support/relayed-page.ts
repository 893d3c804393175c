import type { Page } from 'playwright-core';
import { eventually } from './eventually.js';

interface Instrumented {
  __connections: RTCPeerConnection[];
}

/** Has the page use no STUN or TURN URL but those with `part` in them, for calls it begins from now on. */
export async function narrowTo(page: Page, part: string): Promise<void> {
  await page.evaluate((wanted) => {
    const narrowed = (configuration: RTCConfiguration = {}): RTCConfiguration => {
      const iceServers = (configuration.iceServers ?? []).flatMap((server) => {
        const urls = [server.urls].flat().filter((url) => url.includes(wanted));
        return urls.length === 0 ? [] : [{ ...server, urls }];
      });
      return { ...configuration, iceServers };
    };
    const Native = window.RTCPeerConnection;
    window.RTCPeerConnection = class extends Native {
      constructor(configuration?: RTCConfiguration) {
        super(narrowed(configuration));
      }

      override setConfiguration(configuration?: RTCConfiguration): void {
        super.setConfiguration(narrowed(configuration));
      }
    };
  }, part);
}

/** The browser's end of the path that a call runs on. */
export interface UsedPath {
  readonly type: string;
  /** How the browser reaches its relay; absent for a path without one. */
  readonly relayProtocol?: string;
}

/** The path in use, once it is of the type. */
export async function pathOf(page: Page, type: 'host' | 'srflx' | 'prflx' | 'relay', withinMs = 10_000): Promise<UsedPath> {
  let last: UsedPath | undefined;
  return eventually(
    async () => {
      last = await page.evaluate(async () => {
        const connection = (window as unknown as Instrumented).__connections.at(-1);
        const all = [...((await connection?.getStats()) ?? new Map()).values()] as Record<string, unknown>[];
        const transport = all.find((one) => one['type'] === 'transport');
        const pair = all.find((one) =>
          transport?.['selectedCandidatePairId'] === undefined
            ? one['type'] === 'candidate-pair' && one['selected'] === true
            : one['id'] === transport['selectedCandidatePairId'],
        );
        const local = all.find((one) => one['id'] === pair?.['localCandidateId']);
        if (local === undefined) return undefined;
        const relayProtocol = local['relayProtocol'];
        return {
          type: String(local['candidateType']),
          ...(typeof relayProtocol === 'string' ? { relayProtocol } : {}),
        };
      });
      return last?.type === type ? last : undefined;
    },
    { what: `the call runs on a ${type} path`, withinMs, explain: () => `last: ${JSON.stringify(last)}` },
  );
}

/** Has the button of the page call by relays only. */
export async function relayOnly(page: Page): Promise<void> {
  await page.evaluate(() => document.querySelector('call-button')?.setAttribute('ice-policy', 'relay'));
}
