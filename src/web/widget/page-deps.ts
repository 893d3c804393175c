import type { CallControllerDeps } from './call-controller.js';
import { gatherCandidates } from './gather-candidates.js';
import { meterOf } from './level-meter.js';
import { openMicrophone } from './microphone.js';
import { pageClock } from './page-clock.js';
import { CallMemory } from './resume.js';
import { SipClient } from './sip-client.js';
import { TonePlayer } from './tones.js';

/** What a call takes from a real page. `audio` need not stand in it to be heard. */
export function pageDeps(): Omit<CallControllerDeps, 'settings' | 'onChange' | 'onEvent' | 'onProblem'> {
  const audio = new Audio();
  audio.autoplay = true;
  return {
    audio,
    clock: pageClock,
    wallMs: Date.now,
    openMicrophone,
    mediaDevices: navigator.mediaDevices,
    openMeter: (stream, onLevel) => meterOf(stream, pageClock, onLevel),
    onGesture,
    openClient: (options, handlers) => new SipClient(options, handlers),
    gather: gatherCandidates,
    tones: new TonePlayer(),
    memory: (key) => new CallMemory({ key }, { store: () => sessionStorage, nowMs: Date.now, locks: navigator.locks }),
  };
}

const gestures = ['pointerup', 'keydown'] as const;

function onGesture(run: () => void): void {
  const once = (): void => {
    for (const type of gestures) removeEventListener(type, once, true);
    run();
  };
  for (const type of gestures) addEventListener(type, once, true);
}

/** How many buttons before this one call the same over the same gateway: after a reload it is the same number. */
export function placeOf(button: Element): number {
  const same = (other: Element): boolean =>
    ['gateway', 'to', 'user'].every((name) => other.getAttribute(name) === button.getAttribute(name));
  return [...document.querySelectorAll(button.localName)].filter(same).indexOf(button);
}
