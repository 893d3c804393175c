const telephoneKey = /^[0-9*#]$/;

/** The telephone key that a key of the keyboard stands for, except while the person types somewhere or gives a command. */
export function telephoneKeyOf(event: KeyboardEvent): string | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return undefined;
  const target = event.composedPath()[0];
  const typing = target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
  return typing || !telephoneKey.test(event.key) ? undefined : event.key;
}
