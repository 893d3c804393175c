import { decodeG711, type G711Law, MU_TO_A } from '../../src/media/codec/g711.js';

/** A stretch of the prompt that no other prompt has: a quarter of a second, past its soft beginning. */
const probeFrom = 400;
const probeSamples = 2_000;

/**
 * Looks for a µ-law prompt, sample by sample, in what a phone with this law heard from `from` on.
 * Gives the index after the part that was compared; undefined when the prompt is not there.
 */
export function findPrompt(heard: Int16Array, prompt: Buffer, law: G711Law, from = 0): number | undefined {
  const sent = law === 'PCMU' ? prompt : Buffer.from(prompt.map((byte) => MU_TO_A[byte] ?? 0));
  const probe = decodeG711(law, sent).subarray(probeFrom, probeFrom + probeSamples);
  if (probe.length < 1_000) throw new Error('the prompt is too short to be told from others');
  for (let at = from; at + probe.length <= heard.length; at += 1) {
    if (probe.every((sample, index) => heard[at + index] === sample)) return at + probe.length;
  }
  return undefined;
}
