import type { RelayFormat } from './relay-format.js';
import type { RelayFrame, RelayOutcome, RelayStage } from './relay-stage.js';

/** Names the format of each packet by its payload type and drops what was not agreed on, such as comfort noise (RFC 3389, survey R6). */
export class PayloadTypeFilter implements RelayStage {
  private readonly formats: readonly (RelayFrame['format'] | undefined)[];

  constructor(receivePayloadTypes: RelayFormat['receivePayloadTypes']) {
    const formats: (RelayFrame['format'] | undefined)[] = new Array(128).fill(undefined);
    for (const { payloadType, format } of receivePayloadTypes) formats[payloadType] = format;
    this.formats = formats;
  }

  process(frame: RelayFrame): RelayOutcome | undefined {
    const format = this.formats[frame.packet.payloadType];
    if (format === undefined) return 'payload-type';
    if (frame.packet.payloadLength === 0) return 'malformed';
    frame.format = format;
    return undefined;
  }
}
