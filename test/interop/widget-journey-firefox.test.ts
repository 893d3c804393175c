import { Firefox, ownAddress } from '../support/firefox.js';
import { describeWithPeers } from '../support/peers.js';
import { widgetJourney } from '../support/widget-journey.js';

// Firefox takes no media from 127.0.0.1; without another address of this machine there is nothing to test it on.
const mediaAddress = ownAddress();

describeWithPeers(
  'A call from a website in Firefox',
  ['firefox-esr', 'baresip', 'sipp', 'tshark', 'dumpcap'],
  () => widgetJourney({ start: Firefox.start, mediaAddress: mediaAddress ?? '' }),
  mediaAddress === undefined ? 'this machine has no address beside loopback' : undefined,
);
