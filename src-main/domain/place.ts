/** Where a path lies, seen from the walls of one brand. */
export type Place =
  | 'state'
  | 'ticket-state'
  | 'git-internals'
  | 'ticket-paths'
  | 'checkout'
  | 'wiki/<brand>'
  | 'wiki/_global'
  | 'wiki/other'
  | 'elsewhere';

/** Places in words, for a reason. */
export const PLACE_NAMES: Record<Place, string> = {
  state: "Atrium's state",
  'ticket-state': 'the ticket files',
  'git-internals': 'the files of git',
  'ticket-paths': 'the paths of the ticket',
  checkout: 'the checkout outside the paths of the ticket',
  'wiki/<brand>': "the brand's wiki",
  'wiki/_global': 'the global wiki',
  'wiki/other': "another brand's wiki",
  elsewhere: 'a place outside the walls',
};

/** What tells places apart: absolute, normalised paths, and the ticket's globs as a test. */
export interface Geography {
  brand: string;
  workspace: string;
  /** Roots under which a path counts as inside the checkout of the run. */
  checkouts: readonly string[];
  /** Whether a path relative to the checkout is among the ticket's paths. */
  inTicket(relative: string): boolean;
}

/** Where an absolute, normalised path lies. */
export function placeOf(path: string, geography: Geography): Place {
  const ofTickets = /(^|\/)tickets\.jsonl?$/.test(path);
  const checkout = geography.checkouts.find((root) => path === root || path.startsWith(`${root}/`));
  if (checkout !== undefined) {
    const relative = path.slice(checkout.length + 1);
    if (relative === '.git' || relative.startsWith('.git/')) return 'git-internals';
    if (ofTickets) return 'ticket-state';
    return geography.inTicket(relative) ? 'ticket-paths' : 'checkout';
  }
  const inside = `${geography.workspace}/`;
  if (!path.startsWith(inside)) return 'elsewhere';
  const relative = path.slice(inside.length);
  if (ofTickets && relative.startsWith(`brands/${geography.brand}/`)) return 'ticket-state';
  if (relative === '.atrium' || relative.startsWith('.atrium/')) return 'state';
  if (relative === `wiki/${geography.brand}` || relative.startsWith(`wiki/${geography.brand}/`))
    return 'wiki/<brand>';
  if (relative === 'wiki/_global' || relative.startsWith('wiki/_global/')) return 'wiki/_global';
  return relative.startsWith('wiki/') ? 'wiki/other' : 'elsewhere';
}
