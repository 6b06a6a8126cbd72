import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { readWorkspaceConfig } from '../../app/configuration.ts';
import { workspacePlaces } from '../../app/places.ts';
import { findWorkspace, initWorkspace, lookAtWorkspace } from '../../app/workspace.ts';
import { refuse, valueOf } from './failure.ts';

/** Which workspace a command is about, and who named it. */
export interface Chosen {
  /** Absolute path. */
  workspace: string;
  by: 'option' | 'environment' | 'parent' | 'default';
}

/** `--workspace`, else `ATRIUM_WORKSPACE`, else the nearest parent that is one, else the default workspace. */
export function chooseWorkspace(
  option: string | undefined,
  folder: string,
  environment: NodeJS.ProcessEnv,
): Chosen {
  if (option !== undefined) return { workspace: path.resolve(folder, option), by: 'option' };
  const named = environment['ATRIUM_WORKSPACE'];
  if (named !== undefined && named !== '')
    return { workspace: path.resolve(folder, named), by: 'environment' };
  const parent = findWorkspace(folder);
  if (parent !== undefined) return { workspace: parent, by: 'parent' };
  return { workspace: path.join(homedir(), 'Atrium'), by: 'default' };
}

/** Ends the command where the chosen folder is no workspace or its configuration cannot be read. */
export function requireWorkspace(chosen: Chosen): void {
  valueOf(lookAtWorkspace(chosen.workspace));
  const config = readWorkspaceConfig(workspacePlaces(chosen.workspace).config);
  if (!config.ok) refuse('workspace-unusable', config.failure.message, config.failure.hint);
}

/** Makes the workspace at a first start, where it was not named on the command line and nothing is there yet. */
export function makeFirstWorkspace(chosen: Chosen, appRoot: string): boolean {
  if (chosen.by === 'parent' || existsSync(workspacePlaces(chosen.workspace).config)) return false;
  valueOf(initWorkspace(chosen.workspace, { sample: false, appRoot }));
  return true;
}
