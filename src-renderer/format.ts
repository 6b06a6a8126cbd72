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

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** How long ago, short. */
export function ago(at: string, now: number): string {
  const then = Date.parse(at);
  if (Number.isNaN(then)) return visibleLine(at);
  const passed = Math.max(0, now - then);
  if (passed < minute) return t.time.now;
  if (passed < hour) return t.time.minutes(Math.floor(passed / minute));
  if (passed < day) return t.time.hours(Math.floor(passed / hour));
  if (passed < 30 * day) return t.time.days(Math.floor(passed / day));
  return new Date(then).toLocaleDateString(t.locale, { year: 'numeric', month: 'short', day: 'numeric' });
}

/** The exact time, for the hover. */
export function exact(at: string): string {
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

/** Two decimals and a currency. */
export function money(usd: number): string {
  return usd.toLocaleString(t.locale, { style: 'currency', currency: 'USD' });
}

export function count(value: number): string {
  return value.toLocaleString(t.locale);
}

export function share(value: number): string {
  return value.toLocaleString(t.locale, { style: 'percent', maximumFractionDigits: 0 });
}
