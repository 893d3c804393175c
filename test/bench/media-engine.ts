/** What is measured: takes the calling side's offer, offers to the called side, joins the two. */
export interface MediaEngine {
  readonly name: string;
  /** Process whose CPU is counted. */
  readonly pid: number;
  begin(call: string, kind: 'webrtc' | 'udp', offer: string): Promise<string>;
  /** Takes the called side's answer, returns the one for the calling side. */
  complete(call: string, answer: string): Promise<string>;
  end(call: string): Promise<void>;
  stop(): Promise<void>;
}
