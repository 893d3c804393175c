import { type PageProblem, problemOfMicrophone } from './call-problem.js';

export type MicrophoneOutcome =
  | { readonly kind: 'open'; readonly stream: MediaStream }
  | { readonly kind: 'refused'; readonly problem: PageProblem };

/** Asks for a microphone, with the processing a telephone call wants: the one named, else the one the browser chooses. */
export async function openMicrophone(deviceId?: string): Promise<MicrophoneOutcome> {
  const { mediaDevices } = navigator;
  if (mediaDevices === undefined) {
    return { kind: 'refused', problem: window.isSecureContext ? 'browser-too-old' : 'microphone-insecure' };
  }
  const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  try {
    // `exact`, because Chromium gives the default one to a page that would merely like another.
    const wish = deviceId === undefined ? audio : { ...audio, deviceId: { exact: deviceId } };
    return { kind: 'open', stream: await mediaDevices.getUserMedia({ audio: wish, video: false }) };
  } catch (thrown) {
    const problem = problemOfMicrophone(thrown instanceof Error ? thrown.name : '');
    // The one that was chosen may be gone, or taken.
    return deviceId === undefined || problem === 'microphone-denied' ? { kind: 'refused', problem } : openMicrophone();
  }
}

/** Lets go of it, so that the browser's recording sign goes out. */
export function closeMicrophone(stream: MediaStream | undefined): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}
