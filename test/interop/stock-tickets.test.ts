import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CallStage, phoneNumber } from '../support/call-stage.js';
import { listenFor } from '../support/eventually.js';
import { speechPackets, writePcap } from '../support/pcap.js';
import { describeWithPeers } from '../support/peers.js';
import { type StockClient, StockPage, StockSite } from '../support/stock-page.js';
import { strongestTone, tone } from '../support/tones.js';
import { audioOf } from '../support/tshark.js';

const microphoneHz = 560;
const phoneHz = 1_210;
const levelDb = -14;
const secret = 'a-secret-of-the-shop-back-end';

describeWithPeers('Stock clients with tickets', ['chromium', 'sipp', 'tshark', 'dumpcap'], () => {
  let site: StockSite;
  let stage: CallStage;

  beforeAll(async () => {
    site = await StockSite.start();
    stage = await CallStage.set(
      { toneHz: microphoneHz, levelDb },
      {
        env: { SHOP_SECRET: secret },
        config: {
          sites: [
            {
              ...{ key: 'pk_shop', secret: { env: 'SHOP_SECRET' }, origins: [site.origin], from: '+442079460050' },
              destinations: [{ name: 'sales', number: phoneNumber }],
            },
          ],
        },
      },
    );
    writePcap(stage.files.file('phone.pcap'), speechPackets(tone({ frequencyHz: phoneHz, seconds: 30, levelDb }), phoneHz));
  });
  afterEach(() => stage.clear());
  afterAll(async () => {
    await stage?.dispose();
    await site?.dispose();
  });

  describe.each<StockClient>(['SIP.js', 'JsSIP'])('%s', (client) => {
    const opened = async (): Promise<StockPage> =>
      stage.keep(
        await StockPage.open(stage.browser, {
          url: site.origin,
          client,
          account: { gateway: stage.gateway.webSocket, user: 'visitor', password: 'of no account', guest: true },
          explain: () => stage.gateway.log.slice(-6_000),
        }),
      );

    async function ticket(): Promise<string> {
      const answer = await fetch(`${stage.gateway.http}/api/v1/tickets`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
        body: JSON.stringify({ to: 'sales', visitor: 'ann' }),
      });
      return ((await answer.json()) as { readonly ticket: string }).ticket;
    }

    it('calls a name with a ticket, once, and both hear each other', async () => {
      const capture = await stage.capture(`ticket-${client}`);
      const phone = await stage.phone('uas-answers', { pcap: stage.files.file('phone.pcap') });
      const page = await opened();
      const pass = await ticket();
      await page.do('callWithTicket', `sales ${pass}`);
      await page.waitFor('answered', 8_000);
      const heard = await page.waitForTone(phoneHz, 10_000);
      expect(Math.abs(heard.frequencyHz - phoneHz)).toBeLessThanOrEqual(2);
      await listenFor(1_500);
      await page.do('hangUp');
      await phone.finished(10_000);
      await capture.stop();
      const toPhone = strongestTone(audioOf(stage.toPhone(capture)));
      expect(Math.abs(toPhone.frequencyHz - microphoneHz)).toBeLessThanOrEqual(2);
      expect(Math.abs(toPhone.levelDb - levelDb)).toBeLessThanOrEqual(2);
      expect(await stage.cdr()).toMatchObject({ from: '+442079460050', to: phoneNumber, disposition: 'completed', endedBy: 'caller' });

      const again = await opened();
      await again.do('callWithTicket', `sales ${pass}`);
      expect(await again.waitFor('over', 5_000)).toContain('refused 403');
      expect(await stage.cdr()).toMatchObject({ disposition: 'denied', failure: 'ticket-used' });
    });

    it.each([
      ['without a ticket', 'ticket-required', async (page: StockPage) => await page.do('call', 'sales')],
      ['with a ticket that is none', 'ticket-invalid', async (page: StockPage) => await page.do('callWithTicket', 'sales e30.e30.e30')],
    ])('is refused %s, and takes the 401 for an end and not for a question', async (_what, failure, call) => {
      const page = await opened();
      await call(page);
      expect((await page.waitFor('over', 5_000)).sort()).toEqual(['connected', 'over', 'refused 401']);
      expect(await stage.cdr()).toMatchObject({ disposition: 'denied', failure });
    });
  });
});
