import type { WaitingItem } from '../src-main/contract/waiting.ts';

/** One thing that waits: of a ticket, or a question of the guard, which may be of none. */
type Waits = { kind: 'ask'; ask: string } | { kind: Exclude<WaitingItem['kind'], 'ask'>; ticket: string };

/** A screen and what it shows. */
export type Route =
  | { screen: 'today' }
  | { screen: 'approvals'; named: Waits | null }
  | { screen: 'brand'; brand: string; tab: BrandTab; ticket: string | null }
  | { screen: 'ticket'; ticket: string }
  | { screen: 'wiki'; page: string | null }
  | { screen: 'health' }
  | { screen: 'settings' }
  | { screen: 'add-brand' }
  | { screen: 'unknown'; path: string };

export const brandTabs = ['overview', 'tickets', 'runs', 'terminals', 'wiki', 'activity'] as const;
const ticketKinds = ['question', 'checkpoint', 'conflict', 'plan', 'housekeeping', 'dead-letter'] as const;
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
  if (first === 'approvals') {
    if (second === undefined) return { screen: 'approvals', named: null };
    if (second === 'ask') return { screen: 'approvals', named: { kind: 'ask', ask: third ?? '' } };
    const kind = third === undefined ? 'approval' : ticketKinds.find((each) => each === third);
    return kind === undefined
      ? { screen: 'unknown', path }
      : { screen: 'approvals', named: { kind, ticket: second } };
  }
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
    return { screen: 'wiki', page: page === '' ? null : `wiki/${page}.md` };
  }
  if (first === 'health' || first === 'settings' || first === 'add-brand') return { screen: first };
  return { screen: 'unknown', path };
}

/** The path of the page `wiki/<brand>/<name>.md`: the folder and the ending that all pages have are left out. */
export function pathOfPage(page: string): string {
  const name = page.replace(/^wiki\//, '').replace(/\.md$/, '');
  return `/wiki/${name.split('/').map(encodeURIComponent).join('/')}`;
}

/** The path of the page that a link names: a bare name is one of the brand whose page links. */
export function pathOfLink(target: string, brand: string): string {
  return pathOfPage(`wiki/${target.includes('/') ? target : `${brand}/${target}`}.md`);
}
