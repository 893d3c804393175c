import type { Page } from 'playwright-core';
import { eventually } from './eventually.js';
import { isFirefox } from './firefox.js';
import { type MeasuredTone, type Sound, strongestTone } from './tones.js';

/** What the functions below leave in a page. */
interface Ears {
  __connections: RTCPeerConnection[];
  __ears?: { context: AudioContext; analyser: AnalyserNode; track: MediaStreamTrack };
}

/**
 * Runs before the page's own scripts: keeps every peer connection, and asks for the microphone
 * without the browser's noise suppression, which takes a steady tone for noise.
 */
export function keepConnections(): void {
  const page = window as unknown as Ears;
  page.__connections = [];
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      page.__connections.push(this);
    }
  };
  const devices = navigator.mediaDevices;
  if (devices === undefined) return;
  const getUserMedia = devices.getUserMedia.bind(devices);
  devices.getUserMedia = (wanted) => {
    const chosen = typeof wanted?.audio === 'object' && wanted.audio.deviceId !== undefined ? { deviceId: wanted.audio.deviceId } : {};
    return getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false, ...chosen } });
  };
}

/** The last 0.68 s of what the page hears, as 16-bit samples. */
async function hear(): Promise<{ rateHz: number; samples: number[] } | undefined> {
  const page = window as unknown as Ears;
  const track = page.__connections
    .at(-1)
    ?.getReceivers()
    .find((receiver) => receiver.track.kind === 'audio')?.track;
  if (track === undefined) return undefined;
  if (page.__ears === undefined || page.__ears.track !== track) {
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 32_768;
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    page.__ears = { context, analyser, track };
  }
  const { context, analyser } = page.__ears;
  await context.resume();
  const samples = new Float32Array(analyser.fftSize);
  analyser.getFloatTimeDomainData(samples);
  return { rateHz: context.sampleRate, samples: Array.from(samples, (sample) => Math.round(sample * 32_767)) };
}

/** The same where there is no loudspeaker and an audio context never runs, as in Firefox: what it records in 0.8 s. */
async function record(): Promise<{ rateHz: number; samples: number[] } | undefined> {
  const page = window as unknown as Ears;
  const track = page.__connections
    .at(-1)
    ?.getReceivers()
    .find((receiver) => receiver.track.kind === 'audio')?.track;
  if (track === undefined) return undefined;
  const recorder = new MediaRecorder(new MediaStream([track]));
  const parts: Blob[] = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const ended = new Promise((resolve) => {
    recorder.onstop = resolve;
  });
  recorder.start();
  setTimeout(() => recorder.stop(), 800);
  await ended;
  const whole = await new Blob(parts).arrayBuffer();
  if (whole.byteLength === 0) return undefined;
  const decoded = await new OfflineAudioContext(1, 48_000, 48_000).decodeAudioData(whole);
  const samples = decoded.getChannelData(0).slice(-0.5 * decoded.sampleRate);
  return { rateHz: decoded.sampleRate, samples: Array.from(samples, (sample) => Math.round(sample * 32_767)) };
}

/** What a page hears of its newest call; undefined while it has no media. */
export async function heardBy(page: Page): Promise<Sound | undefined> {
  const sound = await page.evaluate(isFirefox(page) ? record : hear);
  return sound === undefined ? undefined : { rateHz: sound.rateHz, samples: Int16Array.from(sound.samples) };
}

/** Waits until a tone of `frequencyHz` is what the page hears, and measures it. */
export async function toneHeardBy(page: Page, frequencyHz: number, withinMs: number, explain: () => string): Promise<MeasuredTone> {
  let last: MeasuredTone | undefined;
  return eventually(
    async () => {
      const sound = await heardBy(page);
      last = sound === undefined ? undefined : strongestTone(sound);
      return last !== undefined && Math.abs(last.frequencyHz - frequencyHz) < 3 && last.purity > 0.9 ? last : undefined;
    },
    { what: `the page hears ${frequencyHz} Hz`, withinMs, explain: () => `last heard: ${JSON.stringify(last)}\n${explain()}` },
  );
}
