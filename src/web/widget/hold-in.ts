/** Whether an offer of the far end puts the call on hold (RFC 3264 §8.4): it takes nothing from us any more. */
export function holdIn(sdp: string): 'remote' | 'none' {
  const direction = /^a=(sendrecv|sendonly|recvonly|inactive)\s*$/m.exec(sdp)?.[1];
  return direction === 'sendonly' || direction === 'inactive' ? 'remote' : 'none';
}
