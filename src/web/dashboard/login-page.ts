import { html, type TemplateResult } from 'lit';
import { api } from './api.js';
import { PageElement } from './page-element.js';

/** Takes the token once; the server answers with a session. */
export class LoginPage extends PageElement {
  static override readonly properties = { over: { attribute: false } };

  /** Whether one was logged in before. */
  declare over: boolean;

  private state: 'idle' | 'sending' = 'idle';

  private async logIn(event: Event): Promise<void> {
    event.preventDefault();
    const field = this.querySelector('input');
    if (field === null || this.state === 'sending') return;
    this.state = 'sending';
    this.requestUpdate();
    const answer = await api.logIn(field.value);
    this.state = 'idle';
    field.value = '';
    this.taken(answer);
    this.requestUpdate();
    if (answer.kind === 'got') this.dispatchEvent(new CustomEvent('logged-in', { bubbles: true }));
    else field.focus();
  }

  protected override firstUpdated(): void {
    this.querySelector('input')?.focus();
  }

  protected override render(): TemplateResult {
    return html`<form class="login card" @submit=${this.logIn}>
      <h1 tabindex="-1">Log in</h1>
      <p>${this.over ? 'Your session is over. Log in again to go on.' : 'With the token of admin.token, or of admin.viewToken to look with numbers masked.'}</p>
      <label>Token<input type="password" name="token" required autocomplete="current-password" maxlength="4096"
        aria-describedby="login-fault" aria-invalid=${this.fault !== ''}></label>
      <p class="fault" id="login-fault" role="alert">${this.fault}</p>
      <button type="submit" class="main" ?disabled=${this.state === 'sending'}>${this.state === 'sending' ? 'Logging in …' : 'Log in'}</button>
    </form>`;
  }
}
