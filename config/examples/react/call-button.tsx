/**
 * `<CallButton>` for React 19: attributes as props, the element's events as callbacks, its methods by a
 * ref. The element itself comes from the package, which registers it when it is imported.
 */
import 'webrtc-pstn-gateway/call-button';
import type { CallButtonElement, CallButtonEventMap } from 'webrtc-pstn-gateway/call-button';
import { type HTMLAttributes, type Ref, type RefAttributes, useEffect, useImperativeHandle, useRef } from 'react';

declare module 'react' {
  namespace JSX {
    interface IntrinsicElements {
      'call-button': HTMLAttributes<CallButtonElement> & RefAttributes<CallButtonElement> & Readonly<Record<string, unknown>>;
    }
  }
}

type Listener<K extends keyof CallButtonEventMap> = (detail: CallButtonEventMap[K]['detail']) => void;

export interface CallButtonProps {
  /** `wss://…/sip` of the gateway. */
  readonly gateway: string;
  readonly to: string;
  readonly label?: string;
  /** Public key of the site, for websites without a back end. */
  readonly site?: string;
  /** Where the website's own back end gives tickets. */
  readonly ticketUrl?: string;
  readonly lang?: string;
  readonly tel?: string;
  readonly onCallState?: Listener<'call-state'>;
  readonly onDigit?: Listener<'dtmf'>;
  readonly onQuality?: Listener<'quality'>;
  readonly onProblem?: Listener<'error'>;
  readonly ref?: Ref<CallButtonElement>;
}

export function CallButton({ ticketUrl, onCallState, onDigit, onQuality, onProblem, ref, ...attributes }: CallButtonProps) {
  const element = useRef<CallButtonElement>(null);
  useImperativeHandle(ref, () => element.current as CallButtonElement);
  useEvent(element, 'call-state', onCallState);
  useEvent(element, 'dtmf', onDigit);
  useEvent(element, 'quality', onQuality);
  useEvent(element, 'error', onProblem);
  return <call-button ref={element} ticket-url={ticketUrl} {...attributes} />;
}

function useEvent<K extends keyof CallButtonEventMap>(
  element: { readonly current: CallButtonElement | null },
  type: K,
  listener: Listener<K> | undefined,
): void {
  useEffect(() => {
    const button = element.current;
    if (button === null || listener === undefined) return undefined;
    const listen = (event: Event): void => listener((event as CallButtonEventMap[K]).detail);
    button.addEventListener(type, listen);
    return () => button.removeEventListener(type, listen);
  }, [element, type, listener]);
}
