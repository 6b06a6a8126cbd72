import { Command, CommanderError, InvalidArgumentError } from 'commander';
import type { z } from 'zod';
import { createContext } from './context.ts';
import type { CommandContext, CommonOptions } from './context.ts';

/** Does a command: what it takes by position, its options, and what it works with. */
export type Action<O> = (context: CommandContext, options: O, ...args: string[]) => Promise<void> | void;

/** A group of commands, or the program itself. */
export interface Group {
  command: Command;
  /** A group below it: `ticket`, `run`. */
  group(name: string, description: string): Group;
  /** A command: `usage` is its name and arguments as commander reads them. */
  add<O extends object>(usage: string, description: string, options: OptionSpec[], action: Action<O>): void;
}

/** Flags, description, and how its text is read. */
export interface OptionSpec {
  flags: string;
  description: string;
  required?: boolean;
  read?: (text: string, before?: unknown) => unknown;
}

/** The program without its commands: every command takes `--workspace` and `--json`, before or after its name. */
export function createProgram(appRoot: string, version: string): Group {
  const program = new Command('atrium')
    .description('One person, several brands, coding agents behind real walls.')
    .version(version)
    .showHelpAfterError(false)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  common(program);
  return groupOf(program, appRoot);
}

function groupOf(command: Command, appRoot: string): Group {
  return {
    command,
    group(name, description) {
      const child = command.command(name).description(description);
      common(child);
      child.action(() => {
        const known = child.commands.map((each) => each.name()).join(', ');
        throw new CommanderError(2, 'atrium.group', `${name} needs one of: ${known}`);
      });
      child.allowExcessArguments(true);
      return groupOf(child, appRoot);
    },
    add<O extends object>(usage: string, description: string, options: OptionSpec[], action: Action<O>) {
      const child = command.command(usage).description(description).allowExcessArguments(false);
      common(child);
      for (const { flags, description: about, required, read } of options) {
        const reader = read ?? ((text: string) => text);
        if (!flags.includes('<')) child.option(flags, about);
        else if (flags.includes('...')) child[required ? 'requiredOption' : 'option'](flags, about);
        else child[required ? 'requiredOption' : 'option'](flags, about, reader);
      }
      child.action(async (...given: unknown[]) => {
        const own = given.slice(0, -2).flat() as string[];
        const all = child.optsWithGlobals<O & CommonOptions>();
        const context = createContext(appRoot, { ...commonOf(child), ...all });
        try {
          await action(context, all, ...own);
        } finally {
          context.close();
        }
      });
    },
  };
}

function common(command: Command): void {
  command
    .option(
      '--workspace <dir>',
      'the workspace; else ATRIUM_WORKSPACE, the nearest parent that is one, or ~/Atrium',
    )
    .option('--json', 'one JSON value on stdout and nothing else')
    .exitOverride();
}

/** The common options of the nearest command on which they were given. */
function commonOf(command: Command | null): CommonOptions {
  if (command === null) return {};
  return { ...commonOf(command.parent), ...command.opts<CommonOptions>() };
}

/** Reads a whole number within bounds. */
export function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < least || number > most) {
      throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`);
    }
    return number;
  };
}

/** Reads what a schema of the contract takes. */
export function matching(schema: z.ZodType): (text: string) => string {
  return (text) => {
    const parsed = schema.safeParse(text);
    if (!parsed.success)
      throw new InvalidArgumentError(`Give ${parsed.error.issues[0]?.message ?? 'another value'}.`);
    return text;
  };
}

/** Reads one of a list of words. */
export function oneOf(words: readonly string[]): (text: string) => string {
  return (text) => {
    if (!words.includes(text)) throw new InvalidArgumentError(`Give one of: ${words.join(', ')}.`);
    return text;
  };
}
