import { type PageProblem, problemOfMicrophone } from './call-problem.js';

export type MicrophoneOutcome =
  | { readonly kind: 'open'; readonly stream: MediaStream }
  | { readonly kind: 'refused'; readonly problem: PageProblem };

/** Asks for the microphone, with the processing a telephone call wants. */
export async function openMicrophone(): Promise<MicrophoneOutcome> {
  const { mediaDevices } = navigator;
  if (mediaDevices === undefined) {
    return { kind: 'refused', problem: window.isSecureContext ? 'browser-too-old' : 'microphone-insecure' };
  }
  try {
    const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    return { kind: 'open', stream: await mediaDevices.getUserMedia({ audio, video: false }) };
  } catch (thrown) {
    return { kind: 'refused', problem: problemOfMicrophone(thrown instanceof Error ? thrown.name : '') };
  }
}

/** Lets go of it, so that the browser's recording sign goes out. */
export function closeMicrophone(stream: MediaStream | undefined): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}
