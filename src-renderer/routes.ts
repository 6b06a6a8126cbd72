/** A screen and what it shows. */
export type Route =
  | { screen: 'today' }
  | { screen: 'approvals'; ticket: string | null; kind: string | null }
  | { screen: 'brand'; brand: string; tab: BrandTab; ticket: string | null }
  | { screen: 'ticket'; ticket: string }
  | { screen: 'wiki'; page: string | null }
  | { screen: 'health' }
  | { screen: 'settings' }
  | { screen: 'add-brand' }
  | { screen: 'unknown'; path: string };

export const brandTabs = ['overview', 'tickets', 'runs', 'terminals', 'wiki', 'activity'] as const;
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
  if (first === 'approvals') return { screen: 'approvals', ticket: second ?? null, kind: third ?? null };
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
