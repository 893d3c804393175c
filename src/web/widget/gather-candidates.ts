import type { GatherCandidates } from './pre-call-check.js';

/** Gathers with a connection of its own, that goes nowhere. Does not end by itself when a server is silent. */
export const gatherCandidates: GatherCandidates = async (configuration, wanted) => {
  const connection = new RTCPeerConnection(configuration);
  let refused = false;
  const outcome = new Promise<'found' | 'empty' | 'failed'>((resolve) => {
    connection.onicecandidate = ({ candidate }) => {
      if (candidate === null) resolve(refused ? 'failed' : 'empty');
      else if (candidate.type !== null && wanted.includes(candidate.type)) resolve('found');
    };
    connection.onicecandidateerror = () => {
      refused = true;
    };
  });
  connection.createDataChannel('');
  await connection.setLocalDescription();
  setTimeout(() => connection.close(), closeAfterMs);
  const what = await outcome;
  connection.close();
  return what;
};

const closeAfterMs = 8000;
