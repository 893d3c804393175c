import { describe, expect, it } from 'vitest';
import { readGatewayMessage } from '../../../../src/web/widget/gateway-message.js';

const read = (message: unknown): unknown => readGatewayMessage(JSON.stringify(message));

describe('a message of the gateway', () => {
  it.each([
    { type: 'dtmf', id: 3, digit: '5', durationMs: 160 },
    { type: 'dtmf-receipt', id: 4, digit: '1', state: 'seen' },
    { type: 'dtmf-receipt', id: 4, digit: '•', state: 'sent', as: 'rfc4733', durationMs: 120, packets: 9 },
    { type: 'dtmf-receipt', id: 4, digit: '#', state: 'failed', why: 'refused' },
  ])('is read as it is written: $type $state', (message) => {
    expect(read(message)).toEqual(message);
  });

  it('is read without what does not belong to it', () => {
    const receipt = { type: 'dtmf-receipt', id: 4, digit: '1', state: 'seen' };
    expect(read({ ...receipt, as: 1, durationMs: -1, packets: '9', why: {}, more: true })).toEqual(receipt);
  });

  it.each([
    undefined,
    new ArrayBuffer(2),
    '',
    '{',
    'null',
    '[]',
    '7',
    '{"type":"news","id":1,"digit":"1"}',
    '{"type":"dtmf","id":1,"digit":"12","durationMs":1}',
    '{"type":"dtmf","id":1,"digit":"1"}',
    '{"type":"dtmf","id":-1,"digit":"1","durationMs":1}',
    '{"type":"dtmf-receipt","id":1.5,"digit":"1","state":"sent"}',
    '{"type":"dtmf-receipt","id":1,"digit":"1","state":"pressed"}',
  ])('is passed over when it is none: %s', (data) => {
    expect(readGatewayMessage(data)).toBeUndefined();
  });
});
