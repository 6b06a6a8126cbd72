import { create } from 'zustand';

/** A screen and what it shows. */
export type Route =
  | { screen: 'today' }
  | { screen: 'approvals'; ticket: string | null }
  | { screen: 'brand'; brand: string; tab: BrandTab; ticket: string | null }
  | { screen: 'ticket'; ticket: string }
  | { screen: 'wiki'; page: string | null }
  | { screen: 'health' }
  | { screen: 'settings' }
  | { screen: 'add-brand' }
  | { screen: 'unknown'; path: string };

export const brandTabs = ['overview', 'tickets', 'runs', 'wiki', 'activity'] as const;
export type BrandTab = (typeof brandTabs)[number];

function part(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The screen that a path names. */
export function routeOf(path: string): Route {
  const [first, second, third, fourth] = path
    .split('/')
    .filter((each) => each !== '')
    .map(part);
  if (first === undefined) return { screen: 'today' };
  if (first === 'approvals') return { screen: 'approvals', ticket: second ?? null };
  if (first === 'brand' && second !== undefined) {
    const tab = brandTabs.find((each) => each === (third ?? 'overview'));
    if (tab !== undefined)
      return { screen: 'brand', brand: second, tab, ticket: tab === 'tickets' ? (fourth ?? null) : null };
  }
  if (first === 'ticket' && second !== undefined) return { screen: 'ticket', ticket: second };
  if (first === 'wiki') {
    const page = path
      .split('/')
      .filter((each) => each !== '')
      .slice(1)
      .map(part)
      .join('/');
    return { screen: 'wiki', page: page === '' ? null : page };
  }
  if (first === 'health' || first === 'settings' || first === 'add-brand') return { screen: first };
  return { screen: 'unknown', path };
}

/** The path of a wiki page: what every page's name has in common, its folder and its ending, is left out. */
export function pathOfPage(page: string): string {
  const name = page.replace(/^wiki\//, '').replace(/\.md$/, '');
  return `/wiki/${name.split('/').map(encodeURIComponent).join('/')}`;
}

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
