import { lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Call } from './guard.ts';

/** How agent programs call the fields of a tool's input that name a path. */
const NAMES_A_PATH =
  /(^|_)(path|paths|file|files|filename|file_name|folder|dir|directory|cwd|target|destination|dest)$/;
/** Deeper than any tool's input is. */
const DEEPEST = 6;

/** The paths that a tool's input names, wherever they stand in it and whatever the agent program calls the field. */
export function pathsOf(input: Record<string, unknown>): string[] {
  const found: string[] = [];
  const look = (value: unknown, isPath: boolean, depth: number): void => {
    if (typeof value === 'string') {
      if (isPath && value !== '') found.push(value);
    } else if (Array.isArray(value)) {
      if (depth < DEEPEST) for (const each of value) look(each, isPath, depth + 1);
    } else if (typeof value === 'object' && value !== null && depth < DEEPEST) {
      for (const [key, each] of Object.entries(value)) {
        const name = key.replace(/([a-z])([A-Z])/g, '$1_$2').toLowerCase();
        look(each, NAMES_A_PATH.test(name), depth + 1);
      }
    }
  };
  look(input, false, 0);
  return found;
}

/** A call as a tool's own input describes it. */
export function callOfInput(tool: string, input: Record<string, unknown>): Call {
  const text = (...names: string[]): string | undefined =>
    names.map((name) => input[name]).find((value) => typeof value === 'string');
  const said = text('command', 'url', 'prompt', 'query', 'pattern');
  return {
    tool,
    paths: pathsOf(input),
    text: said ?? '',
    role: text('role', 'subagent_type', 'agent_name', 'agent') ?? null,
  };
}

/**
 * Where an absolute path of this machine leads when links are followed, as seen from the workspace's own path; undefined where
 * it leads nowhere else. What does not exist yet is judged by the folder that it would be made in.
 */
export function followed(path: string, workspace: string): string | undefined {
  let rest = '';
  for (let at = path; ; at = dirname(at)) {
    const real = realPathOf(at);
    if (real !== undefined) {
      const whole = rest === '' ? real : join(real, rest);
      const root = realPathOf(workspace) ?? workspace;
      const seen =
        whole === root || whole.startsWith(`${root}/`) ? `${workspace}${whole.slice(root.length)}` : whole;
      return seen === path ? undefined : seen;
    }
    if (at === dirname(at)) return undefined;
    rest = join(basename(at), rest);
  }
}

function realPathOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    // A link whose target is missing would be written through.
    const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
    return isLink ? resolve(dirname(path), readlinkSync(path)) : undefined;
  }
}
