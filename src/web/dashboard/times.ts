/** Times and durations as people read them, in the zone of whoever looks. */

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const day = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: 'short', day: '2-digit' });

const isTime = (text: string | undefined): text is string => text !== undefined && !Number.isNaN(Date.parse(text));

/** `14:03:09` */
export const clockTime = (iso: string | undefined): string => (isTime(iso) ? clock.format(new Date(iso)) : '–');

/** `Nov 23, 2026, 14:03:09`; the time alone when it was today. */
export function dayTime(iso: string | undefined, nowMs: number): string {
  if (!isTime(iso)) return '–';
  const when = new Date(iso);
  return when.toDateString() === new Date(nowMs).toDateString() ? clock.format(when) : `${day.format(when)}, ${clock.format(when)}`;
}

const two = (count: number): string => String(count).padStart(2, '0');

/** `0:05`, `12:40`, `1:02:03` */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** Since the beginning of a call: `+0.412 s`, `+75.0 s`. */
export function offset(ms: number): string {
  const seconds = ms / 1000;
  return `+${seconds < 10 ? seconds.toFixed(3) : seconds.toFixed(1)} s`;
}

/** Midnight of today where the viewer is, as the API takes it. */
export function todayBegan(nowMs: number): string {
  const midnight = new Date(nowMs);
  midnight.setHours(0, 0, 0, 0);
  return midnight.toISOString();
}
