import { Chromium } from '../support/chromium.js';
import { describeWithPeers } from '../support/peers.js';
import { widgetJourney } from '../support/widget-journey.js';

describeWithPeers('A call from a website in Chromium', ['chromium', 'baresip', 'sipp', 'tshark', 'dumpcap'], () =>
  widgetJourney({ start: Chromium.start }),
);
