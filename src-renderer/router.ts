import { create } from 'zustand';
import { type Route, routeOf } from './routes.ts';

interface Place {
  path: string;
  route: Route;
}

const inAddress = location.protocol === 'http:' || location.protocol === 'https:';

function pathNow(state: unknown): string {
  if (typeof state === 'object' && state !== null) {
    const path = (state as Record<string, unknown>)['path'];
    if (typeof path === 'string') return path;
  }
  return inAddress ? location.pathname : '/';
}

const placeAt = (path: string): Place => ({ path, route: routeOf(path) });

/** Where the window is. The path is in the address where the page has one of its own, and in the history always. */
export const usePlace = create<Place>(() => placeAt(pathNow(history.state)));

/** Goes to a path; with `replace`, back does not return to the place left. */
export function go(path: string, options: { replace?: boolean } = {}): void {
  if (path === usePlace.getState().path) return;
  const address = inAddress ? path : undefined;
  if (options.replace === true) history.replaceState({ path }, '', address);
  else history.pushState({ path }, '', address);
  usePlace.setState(placeAt(path));
}

window.addEventListener('popstate', (event) => usePlace.setState(placeAt(pathNow(event.state))));
