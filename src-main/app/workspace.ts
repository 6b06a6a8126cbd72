import { accessSync, constants, cpSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { fail, ok, type Result } from '../contract/errors.ts';
import { writeFileAtomic } from './atomic-file.ts';
import { workspacePlaces } from './places.ts';

/** What `atrium init` answers. */
export interface NewWorkspace {
  workspace: string;
  brands: { id: string; name: string; sealed: boolean; repositories: { path: string }[] }[];
}

/** Makes a workspace in a folder that is missing or empty. A half-made one is completed by calling it again. */
export function initWorkspace(
  folder: string,
  options: { sample: boolean; appRoot: string },
): Result<NewWorkspace> {
  const workspace = resolve(folder);
  const places = workspacePlaces(workspace);
  if (options.sample)
    return fail('not-built', 'the sample workspace is not built yet', 'make an empty one: "atrium init DIR"');
  if (existsSync(places.config))
    return fail(
      'already-exists',
      `${workspace} is a workspace already`,
      `open it: "atrium status --workspace ${workspace}"`,
    );
  try {
    if (existsSync(workspace) && !statSync(workspace).isDirectory())
      return fail('invalid-input', `${workspace} is a file, a workspace is a folder`, 'choose another path');
    if (existsSync(workspace) && readdirSync(workspace).some((name) => !OWN.has(name)))
      return fail(
        'invalid-input',
        `${workspace} is not empty`,
        'choose a folder that is empty or not there yet',
      );
    makeFolders(workspace);
    mkdirSync(places.state, { recursive: true, mode: 0o700 });
    for (const made of [places.brands, places.checkouts, places.homes]) mkdirSync(made, { recursive: true });
    cpSync(join(options.appRoot, 'resources', 'contracts'), places.agents, { recursive: true });
    cpSync(join(options.appRoot, 'wiki-template'), places.wiki, { recursive: true });
    writeFileAtomic(join(workspace, '.gitignore'), '.atrium/\ncheckouts/\nhomes/\n');
    writeFileAtomic(places.config, stringify({ name: 'Atrium', dispatch: 'on-approval', maxRuns: 4 }));
  } catch (error) {
    const detail = (error instanceof Error ? error.message : String(error)).replace(/, \w+ '.*$/s, '');
    return fail(
      'disk',
      `the workspace cannot be made in ${workspace}: ${detail}`,
      'choose a folder that you may write in',
    );
  }
  return ok({ workspace, brands: [] });
}

/** Node's own way to make a folder with its parents does not come back where the system refuses one as absent, as in /proc. */
function makeFolders(folder: string): void {
  if (existsSync(folder)) return;
  makeFolders(dirname(folder));
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** What an interrupted `init` may have left. */
const OWN = new Set(['.atrium', 'agents', 'brands', 'checkouts', 'homes', 'wiki', '.gitignore', '.git']);

/** The nearest folder at or above `start` that is a workspace. */
export function findWorkspace(start: string): string | undefined {
  for (let folder = resolve(start); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'workspace.yaml'))) return folder;
    if (dirname(folder) === folder) return undefined;
  }
}

/** Whether a folder is a workspace, and one that this user may look into. */
export function lookAtWorkspace(workspace: string): Result<void> {
  const places = workspacePlaces(workspace);
  try {
    statSync(places.config);
    if (existsSync(places.state)) accessSync(places.state, constants.R_OK | constants.X_OK);
    return ok(undefined);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES')
      return fail(
        'workspace-unusable',
        `you may not look into the workspace ${workspace}`,
        'run Atrium as its owner, or name another with --workspace',
      );
    return fail(
      'workspace-unusable',
      `${workspace} is not a workspace: it has no workspace.yaml`,
      `make one with "atrium init ${workspace}", or name another with --workspace`,
    );
  }
}

/** Whether the core could own this workspace: it is one, and its state can be written. */
export function inspectWorkspace(workspace: string): Result<void> {
  const places = workspacePlaces(workspace);
  const looked = lookAtWorkspace(workspace);
  if (!looked.ok) return looked;
  try {
    mkdirSync(places.state, { recursive: true, mode: 0o700 });
    accessSync(places.state, constants.W_OK);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return fail(
      'workspace-unusable',
      `the state of ${workspace} cannot be written: ${detail}`,
      'make the folder writable or free the disk',
    );
  }
  return ok(undefined);
}
