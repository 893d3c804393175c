/** What `import 'webrtc-pstn-gateway/call-button'` has to offer in types. */
import type { CallButtonElement } from './call-button-element.js';

export type { CallButtonElement, CallButtonEventMap, CallButtonEvents, CheckResults, Texts } from './call-button-element.js';

declare global {
  interface HTMLElementTagNameMap {
    'call-button': CallButtonElement;
  }
}
