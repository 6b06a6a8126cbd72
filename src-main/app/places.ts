import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BrandId, TicketId } from '../contract/ids.ts';
import { socketBase } from '../services/sandbox/index.ts';

/** Where everything of a workspace stands. All paths are absolute; only `state` is in no sandbox at all. */
export interface Places {
  workspace: string;
  config: string;
  agents: string;
  wiki: string;
  state: string;
  workspaceLog: string;
  brands: string;
  checkouts: string;
  homes: string;
  /** Short-lived sockets: Unix socket paths are limited to 107 bytes, so they stand outside the workspace. */
  sockets: string;
}

export interface BrandPlaces {
  folder: string;
  config: string;
  tickets: string;
  ledger: string;
  handoffs: string;
  wiki: string;
  state: string;
  log: string;
  transcripts: string;
  /** Sessions of agent programs that later runs go on with. */
  sessions: string;
  /** The newest decisions of the guard. */
  decisions: string;
  wikiIndex: string;
  setupCache: string;
  checkouts: string;
  homes: string;
}

/** The layout of a workspace, without making anything. */
export function workspacePlaces(workspace: string): Omit<Places, 'sockets'> {
  const state = join(workspace, '.atrium');
  return {
    workspace,
    config: join(workspace, 'workspace.yaml'),
    agents: join(workspace, 'agents'),
    wiki: join(workspace, 'wiki'),
    state,
    workspaceLog: join(state, 'workspace.db'),
    brands: join(workspace, 'brands'),
    checkouts: join(workspace, 'checkouts'),
    homes: join(workspace, 'homes'),
  };
}

export function brandPlaces(places: Omit<Places, 'sockets'>, brand: BrandId): BrandPlaces {
  const folder = join(places.brands, brand);
  const state = join(places.state, 'brands', brand);
  return {
    folder,
    config: join(folder, 'brand.yaml'),
    tickets: join(folder, 'tickets.jsonl'),
    ledger: join(folder, 'ledger'),
    handoffs: join(folder, 'handoffs'),
    wiki: join(places.wiki, brand),
    state,
    log: join(state, 'brand.db'),
    transcripts: join(state, 'transcripts'),
    sessions: join(state, 'sessions'),
    decisions: join(state, 'guard.jsonl'),
    wikiIndex: join(state, 'wiki-index.db'),
    setupCache: join(state, 'setup'),
    checkouts: join(places.checkouts, brand),
    homes: join(places.homes, brand),
  };
}

/** The folder of a ticket's checkout. */
export function checkoutFolder(places: BrandPlaces, ticket: TicketId): string {
  return join(places.checkouts, ticket);
}

/** The folder of a repository's desk: lasting, so it bears no dot as what is made for a moment does. */
export function deskFolder(places: BrandPlaces, repository: string): string {
  const plain = /^[A-Za-z0-9][A-Za-z0-9._-]{0,80}$/.test(repository);
  const digest = createHash('sha256').update(repository).digest('hex').slice(0, 16);
  return join(places.checkouts, `desk-${plain ? repository : digest}`);
}

/**
 * A fresh private folder for sockets. The one of a core that died is removed: its path is kept in the state folder.
 */
export function makeSocketFolder(state: string): string {
  const note = join(state, 'sockets.path');
  removeSocketFolder(state);
  const folder = mkdtempSync(join(socketBase(), 'atrium-'));
  writeFileSync(note, folder, { mode: 0o600 });
  return folder;
}

export function removeSocketFolder(state: string): void {
  const note = join(state, 'sockets.path');
  let folder: string;
  try {
    folder = readFileSync(note, 'utf8');
  } catch {
    return;
  }
  if (folder.startsWith(join(socketBase(), 'atrium-'))) rmSync(folder, { recursive: true, force: true });
  rmSync(note, { force: true });
}
