import { Chromium } from '../support/chromium.js';
import { describeWithPeers } from '../support/peers.js';
import { reloadJourney } from '../support/reload-journey.js';

describeWithPeers('A call whose page is loaded anew in Chromium', ['chromium', 'baresip', 'tshark', 'dumpcap'], () =>
  reloadJourney({ start: Chromium.start }),
);
