import type { Cancellable, DigitTiming } from './digit-queue.js';

/**
 * Hands over one digit and waits for the event that says its tone and gap are over (W3C WebRTC §7.2).
 * A digit that is still pending when it is cancelled is taken out of the browser's buffer again.
 */
export function playInMedia(
  sender: RTCDTMFSender,
  digit: string,
  { toneMs, gapMs }: DigitTiming,
  done: (sent: boolean) => void,
): Cancellable {
  const stop = (): void => sender.removeEventListener('tonechange', onChange);
  const onChange = (event: RTCDTMFToneChangeEvent): void => {
    if (event.tone !== '') return;
    stop();
    done(true);
  };
  const insert = (tones: string): boolean => {
    try {
      sender.insertDTMF(tones, toneMs, gapMs);
      return true;
    } catch {
      return false;
    }
  };
  sender.addEventListener('tonechange', onChange);
  if (!insert(digit)) {
    stop();
    done(false);
  }
  return {
    cancel: () => {
      stop();
      if (sender.toneBuffer !== '') insert('');
    },
  };
}
