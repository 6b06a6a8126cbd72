import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { plural } from '../../domain/plural.ts';
import { openRepository, type GitProgram } from '../../services/repositories/index.ts';
import type { Brand } from '../brand.ts';
import type { Exits } from '../exits/exits.ts';
import type { auditPaths } from '../path-audit.ts';
import type { Places } from '../places.ts';
import { judged, type Layer } from './layer.ts';

/** Exits and entries: what moves a branch. Planted candidates must not pass the audit. */
export function exitLayer(parts: {
  git: GitProgram;
  places: Places;
  audit: typeof auditPaths;
  exits: Exits;
}): Layer {
  return {
    name: 'exit',
    async prove({ brand }) {
      const canaries = [...(await planted(parts)), ...(await words(parts.exits, brand))];
      return judged(canaries, `${plural(canaries.length, 'plant')} stopped`);
    },
  };
}

/** What counts among the brand's own words, on its way into the global wiki. */
async function words(exits: Exits, brand: Brand) {
  await exits.refresh();
  const { mark, passage } = exits.canary(brand.id);
  if (exits.stopped(brand.id, `${mark} ${passage}`) !== null)
    throw new Error('the brand may not have its own words');
  const detail = 'it was let through';
  const stopped = (text: string): boolean => exits.stopped('_global', `Said so: "${text}".`) !== null;
  return [
    { name: 'a mark of it on its way elsewhere', denied: stopped(mark), detail },
    ...(brand.config.sealed
      ? [{ name: 'a passage of it on its way elsewhere', denied: stopped(passage), detail }]
      : []),
  ];
}

/** A repository of its own, in a folder that no agent reaches, with candidates that go beyond their ticket's paths. */
async function planted(parts: { git: GitProgram; places: Places; audit: typeof auditPaths }) {
  const folder = mkdtempSync(join(parts.places.sockets, 'plant-'));
  try {
    const path = join(folder, 'repository');
    mkdirSync(path);
    const git = (...args: string[]): string =>
      execFileSync(parts.git.file, args, {
        cwd: path,
        env: { HOME: folder, GIT_CONFIG_NOSYSTEM: '1', ...AUTHOR },
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      }).trim();
    const commit = (name: string, text: string | null): string => {
      if (text === null) git('rm', '-q', name);
      else writeFileSync(join(path, name), text);
      git('add', '-A');
      git('commit', '-q', '-m', name);
      return git('rev-parse', 'HEAD');
    };
    git('init', '-q', '-b', 'main');
    const base = commit('inside', 'before');
    const within = commit('inside', 'after');
    const beyond = commit('outside', 'planted');
    const hidden = commit('outside', null);
    const opened = await openRepository({
      ...{ path, branch: 'main', git: parts.git, stateDir: join(folder, 'state') },
      ...{ sealed: false, owner: null, clock: () => new Date() },
      sandboxed: () => Promise.reject(new Error('Nothing runs in a planted repository.')),
    });
    if (!opened.ok) throw new Error(opened.message);
    const outcome = async (candidate: string): Promise<string> => {
      const audited = { paths: ['inside'], owned: () => null, base, commit: candidate };
      return (await parts.audit(audited, opened.repository, base, candidate)).outcome;
    };
    if ((await outcome(within)) !== 'pass') throw new Error('the audit lets nothing through');
    return [
      {
        name: 'a candidate that changes paths outside its ticket',
        denied: (await outcome(beyond)) !== 'pass',
        detail: 'the audit let it through',
      },
      {
        name: 'a candidate with a commit on the way that does',
        denied: (await outcome(hidden)) !== 'pass',
        detail: 'the audit let it through',
      },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const AUTHOR = {
  ...{ GIT_AUTHOR_NAME: 'Atrium', GIT_AUTHOR_EMAIL: 'atrium@localhost' },
  ...{ GIT_COMMITTER_NAME: 'Atrium', GIT_COMMITTER_EMAIL: 'atrium@localhost' },
};
