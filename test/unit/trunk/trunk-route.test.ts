import { expect, it } from 'vitest';
import { trunkMedia } from '../../../src/trunk/trunk-route.js';
import { trunk } from '../call/scene.js';

it('makes the media of a trunk as its carrier wants it', () => {
  expect(trunkMedia(trunk)).toMatchObject({ kind: 'udp' });
  expect(trunkMedia({ ...trunk, audioMarker: 'talkspurt' })).not.toHaveProperty('audioMarker');
  expect(trunkMedia({ ...trunk, audioMarker: 'never' })).toMatchObject({ audioMarker: 'never' });
  expect(trunkMedia({ ...trunk, digits: { mode: 'info', info: 'application/dtmf' } })).toMatchObject({ digits: 'none' });
  expect(trunkMedia({ ...trunk, digits: { mode: 'inband', info: 'application/dtmf' } })).toMatchObject({ digits: 'tones' });
});
