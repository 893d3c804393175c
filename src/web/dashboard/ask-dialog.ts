/** What is asked before something that cannot be undone. */
export interface Question {
  readonly title: string;
  readonly text: string;
  /** The word on the button that does it. */
  readonly action: string;
}

function button(text: string, className: string, value: string): HTMLButtonElement {
  const made = document.createElement('button');
  made.type = 'button';
  made.className = className;
  made.textContent = text;
  made.value = value;
  return made;
}

/** Asks, and resolves with whether it is to be done. Escape and a press beside it mean no. */
export function confirmed({ title, text, action }: Question): Promise<boolean> {
  const dialog = document.createElement('dialog');
  dialog.className = 'question';
  const heading = document.createElement('h2');
  heading.id = 'question-title';
  heading.textContent = title;
  const words = document.createElement('p');
  words.textContent = text;
  const row = document.createElement('div');
  row.className = 'buttons';
  const [no, yes] = [button('Cancel', 'quiet', 'no'), button(action, 'danger', 'yes')];
  row.append(no, yes);
  dialog.setAttribute('aria-labelledby', heading.id);
  dialog.append(heading, words, row);
  for (const one of [no, yes]) one.addEventListener('click', () => dialog.close(one.value));
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close('no');
  });
  document.body.append(dialog);
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
    dialog.showModal();
    no.focus();
  });
}
