/**
 * Atrium's calendar: the day, schedules and ages in hours or days go by it. `ATRIUM_NOW` moves it for rehearsals and tests;
 * timeouts, locks and the order of events do not follow it.
 */
export interface Calendar {
  now(): Date;
  iso(): string;
  /** The operator's local day, YYYY-MM-DD. */
  today(): string;
  /** Moves it to an instant (ISO 8601), from where it goes on with the clock; null: to where it was made to stand. */
  moveTo(instant: string | null): void;
}

/**
 * Makes a calendar.
 *
 * @param instant what `ATRIUM_NOW` said when the core started; a text that is no instant is no move
 */
export function createCalendar(instant?: string): Calendar {
  const offsetTo = (text: string | null | undefined): number | null => {
    const at = Date.parse(text ?? '');
    return Number.isNaN(at) ? null : at - Date.now();
  };
  const own = offsetTo(instant) ?? 0;
  let offset = own;
  const now = () => new Date(Date.now() + offset);
  return {
    now,
    iso: () => now().toISOString(),
    today: () => localDay(now()),
    moveTo(text) {
      offset = offsetTo(text) ?? own;
    },
  };
}

/** The local day of an instant, YYYY-MM-DD. */
export function localDay(at: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}
