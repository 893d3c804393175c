/**
 * How large a message may be. A peer that goes beyond is refused before anything is kept, so that
 * memory and time stay bounded whatever arrives. A carrier INVITE has about 1.5 kB; one with an
 * Identity header 3 kB.
 */
export const maxHeaderBlockBytes = 32 * 1024;
export const maxBodyBytes = 64 * 1024;
export const maxMessageBytes = maxHeaderBlockBytes + maxBodyBytes;
export const maxHeaderLines = 256;
/** One header field after unfolding, and the start line. */
export const maxLineLength = 8192;
