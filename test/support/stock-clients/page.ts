/** The script of a page with one stock client on it. */
import { JsSipPhone } from './jssip-phone.js';
import { SipJsPhone } from './sipjs-phone.js';
import type { StockPhone } from './stock-phone.js';

declare global {
  interface Window {
    /** What happened, in order. */
    notes: string[];
    phone: StockPhone;
    /** Puts the client on the page. */
    useClient(client: 'SIP.js' | 'JsSIP'): void;
  }
}

window.notes = [];
window.useClient = (client) => {
  const note = (what: string): void => void window.notes.push(what);
  window.phone = client === 'SIP.js' ? new SipJsPhone(note) : new JsSipPhone(note);
};
