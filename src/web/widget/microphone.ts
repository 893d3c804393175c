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
  // Not `exact`: the one that was chosen may be gone.
  const wish = deviceId === undefined ? {} : { deviceId: { ideal: deviceId } };
  try {
    const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...wish };
    return { kind: 'open', stream: await mediaDevices.getUserMedia({ audio, video: false }) };
  } catch (thrown) {
    return { kind: 'refused', problem: problemOfMicrophone(thrown instanceof Error ? thrown.name : '') };
  }
}

/** Lets go of it, so that the browser's recording sign goes out. */
export function closeMicrophone(stream: MediaStream | undefined): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}
