import { t } from './strings/en.ts';

// What changes how text looks without being seen: controls (C0, C1), marks of direction, invisible separators.
const unseen =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;
// How a terminal is told a colour.
const colourCode = /\u001b\[[0-9;:]*m/g;

const names: Readonly<Record<number, string>> = {
  0: 'NUL',
  7: 'BEL',
  8: 'BS',
  12: 'FF',
  13: 'CR',
  27: 'ESC',
  127: 'DEL',
};

// Written in letters: the symbols that Unicode has for controls are in few fonts.
function symbolOf(character: string): string {
  const code = character.charCodeAt(0);
  return `‹${names[code] ?? `U+${code.toString(16).toUpperCase().padStart(4, '0')}`}›`;
}

/** Text of others, with every character that would not be seen shown as a symbol; line breaks and tabs stay. */
export function visible(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(unseen, symbolOf);
}

/** The same on one line. */
export function visibleLine(text: string): string {
  return visible(text).replaceAll('\n', ' ↵ ').replaceAll('\t', ' ');
}

/** What a program printed: a terminal's colours are dropped, other controls shown as symbols. */
export function visibleOutput(text: string): string {
  return visible(text.replace(colourCode, ''));
}

/** A sentence of the core as one is written: a capital first, a stop last. */
export function sentence(text: string): string {
  const said = capital(text.trim());
  return said === '' || /[.?!…:]["”`)]*$/.test(said) ? said : `${said}.`;
}

/** The same words with a capital first. */
export function capital(text: string): string {
  return /^[a-z]/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}

const dayAlone = /^(\d{4})-(\d{2})-(\d{2})$/;

/** The first moment of a day that has no time, where the reader is; null where there is a time. */
function dayOf(at: string): number | null {
  const [, year, month, date] = dayAlone.exec(at) ?? [];
  if (year === undefined) return null;
  return new Date(Number(year), Number(month) - 1, Number(date)).getTime();
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** How long ago, short; a day that has no time is told in days. */
export function ago(at: string, now: number): string {
  const date = dayOf(at);
  if (date !== null) {
    const days = Math.round((new Date(now).setHours(0, 0, 0, 0) - date) / day);
    if (days < 1) return t.time.today;
    if (days === 1) return t.time.yesterday;
    return days < 30 ? t.time.days(days) : dateOf(date);
  }
  const then = Date.parse(at);
  if (Number.isNaN(then)) return visibleLine(at);
  const passed = Math.max(0, now - then);
  if (passed < minute) return t.time.now;
  if (passed < hour) return t.time.minutes(Math.floor(passed / minute));
  if (passed < day) return t.time.hours(Math.floor(passed / hour));
  if (passed < 30 * day) return t.time.days(Math.floor(passed / day));
  return dateOf(then);
}

function dateOf(then: number): string {
  return new Date(then).toLocaleDateString(t.locale, { year: 'numeric', month: 'short', day: 'numeric' });
}

/** The exact time, for the hover. */
export function exact(at: string): string {
  const date = dayOf(at);
  if (date !== null) return dateOf(date);
  const then = new Date(at);
  if (Number.isNaN(then.getTime())) return visibleLine(at);
  return then.toLocaleString(t.locale, { dateStyle: 'medium', timeStyle: 'medium' });
}

export function clock(at: string): string {
  const then = new Date(at);
  if (Number.isNaN(then.getTime())) return visibleLine(at);
  return then.toLocaleTimeString(t.locale, { hour: '2-digit', minute: '2-digit' });
}

/** A length of time in milliseconds. */
export function lasting(ms: number): string {
  if (ms < 1_000) return t.time.ms(Math.round(ms));
  if (ms < minute) return t.time.seconds((ms / 1_000).toFixed(1));
  return t.time.minutesSeconds(Math.floor(ms / minute), Math.floor((ms % minute) / 1_000));
}

/** Two decimals and a currency; what was spent is never shown as nothing. */
export function money(usd: number): string {
  const shown = (dollars: number) => dollars.toLocaleString(t.locale, { style: 'currency', currency: 'USD' });
  return usd > 0 && usd < 0.005 ? `<${shown(0.01)}` : shown(usd);
}

export function count(value: number): string {
  return value.toLocaleString(t.locale);
}

export function share(value: number): string {
  return value.toLocaleString(t.locale, { style: 'percent', maximumFractionDigits: 0 });
}
