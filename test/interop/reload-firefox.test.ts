import { Firefox, ownAddress } from '../support/firefox.js';
import { describeWithPeers } from '../support/peers.js';
import { reloadJourney } from '../support/reload-journey.js';

// Firefox takes no media from 127.0.0.1; without another address of this machine there is nothing to test it on.
const mediaAddress = ownAddress();

describeWithPeers(
  'A call whose page is loaded anew in Firefox',
  ['firefox-esr', 'baresip', 'tshark', 'dumpcap'],
  () => reloadJourney({ start: Firefox.start, mediaAddress: mediaAddress ?? '' }),
  mediaAddress === undefined ? 'this machine has no address beside loopback' : undefined,
);
