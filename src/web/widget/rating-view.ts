import { html, nothing, type TemplateResult } from 'lit';
import { starIcon } from './icons.js';
import { filled, type Texts } from './texts.js';

export interface RatingModel {
  readonly texts: Texts;
  readonly rating: 'open' | 'given' | undefined;
  /** Stars chosen so far; with few of them, words are asked for before they are sent. */
  readonly stars: number;
}

export interface RatingActions {
  chooseStars(stars: number): void;
  rate(stars: number, comment?: string): void;
}

const all = [1, 2, 3, 4, 5];
/** From so many on nothing is asked. */
const content = 4;

/** How the call was, asked at its end. */
export function ratingView({ texts, rating, stars }: RatingModel, actions: RatingActions): TemplateResult | typeof nothing {
  if (rating === undefined) return nothing;
  if (rating === 'given') return html`<p class="panel" part="rating" role="status">${texts.thanks}</p>`;
  const choose = (count: number): void => (count >= content ? actions.rate(count) : actions.chooseStars(count));
  return html`<form class="panel rating" part="rating" @submit=${(event: SubmitEvent) => submit(event, stars, actions)}>
    <span id="rate">${texts.rate}</span>
    <div class="stars" role="group" aria-labelledby="rate">${all.map(
      (count) => html`<button class="star ${count <= stars ? 'lit' : ''}" part="star" type="button" aria-pressed=${count === stars}
        aria-label=${filled(texts.stars, { count })} @click=${() => choose(count)}>${starIcon}</button>`,
    )}</div>
    ${
      stars === 0
        ? nothing
        : html`<label><span>${texts.comment}</span><textarea name="comment" rows="2" maxlength="500"></textarea></label>
          <button class="control" part="control" type="submit">${texts.send}</button>`
    }
  </form>`;
}

function submit(event: SubmitEvent, stars: number, actions: RatingActions): void {
  event.preventDefault();
  const comment = String(new FormData(event.target as HTMLFormElement).get('comment') ?? '').trim();
  actions.rate(stars, comment === '' ? undefined : comment);
}
