import { html, nothing, type TemplateResult } from 'lit';
import type { SoundDevice, SoundDevices } from './sound-desk.js';
import { filled, type Texts } from './texts.js';

export interface SettingsModel {
  readonly texts: Texts;
  readonly devices: SoundDevices;
  readonly volume: number;
  readonly level: number;
}

export interface SettingsActions {
  chooseInput(id: string): void;
  chooseOutput(id: string): void;
  setVolume(volume: number): void;
}

/** Microphone, loudspeaker and how loud they are. */
export function settingsView({ texts, devices, volume, level }: SettingsModel, actions: SettingsActions): TemplateResult {
  const { inputs, outputs, input, output } = devices;
  return html`<div class="panel" part="settings" role="group" aria-label=${texts.settings}>
    ${choice(texts.microphone, texts, inputs, input, (id) => actions.chooseInput(id))}
    <label><span>${texts.level}</span><meter part="level" min="0" max="1" .value=${level}></meter></label>
    ${choice(texts.speaker, texts, outputs, output, (id) => actions.chooseOutput(id))}
    <label><span>${texts.volume}</span><input part="volume" type="range" min="0" max="1" step="0.05" .value=${String(volume)}
      @input=${(event: Event) => actions.setVolume((event.target as HTMLInputElement).valueAsNumber)} /></label>
  </div>`;
}

/** With a single device there is nothing to choose. */
function choice(
  name: string,
  texts: Texts,
  devices: readonly SoundDevice[],
  chosen: string | undefined,
  choose: (id: string) => void,
): TemplateResult | typeof nothing {
  if (devices.length < 2) return nothing;
  const options = devices.map(
    ({ id, label }, at) =>
      html`<option value=${id} ?selected=${id === chosen}>${label === '' ? filled(texts.device, { number: at + 1 }) : label}</option>`,
  );
  return html`<label><span>${name}</span><select part="device" @change=${(event: Event) => choose((event.target as HTMLSelectElement).value)}>${options}</select></label>`;
}
