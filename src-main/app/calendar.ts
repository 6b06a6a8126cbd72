/**
 * Atrium's calendar: the day, schedules and ages in hours or days go by it. `ATRIUM_NOW` moves it for rehearsals and tests;
 * timeouts, locks and the order of events do not follow it.
 */
export interface Calendar {
  now(): Date;
  iso(): string;
  /** The operator's local day, YYYY-MM-DD. */
  today(): string;
  /** Moves it to an instant (ISO 8601); from there it goes on with the clock. False where the text is none. */
  moveTo(instant: string): boolean;
}

export function createCalendar(instant?: string): Calendar {
  let offset = 0;
  const now = () => new Date(Date.now() + offset);
  const calendar: Calendar = {
    now,
    iso: () => now().toISOString(),
    today: () => localDay(now()),
    moveTo(text) {
      const at = Date.parse(text);
      if (Number.isNaN(at)) return false;
      offset = at - Date.now();
      return true;
    },
  };
  if (instant) calendar.moveTo(instant);
  return calendar;
}

/** The local day of an instant, YYYY-MM-DD. */
export function localDay(at: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}
