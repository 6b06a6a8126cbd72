import { join } from 'node:path';
import { fail, ok } from '../../contract/errors.ts';
import type { Result } from '../../contract/errors.ts';
import { probed } from './agent-program.ts';
import { fileAt } from './find-program.ts';
import { driveLines } from './line-protocol.ts';
import type { Runtime, RuntimeNeeds, Task } from './port.ts';

/** What the runtimes that are Atrium's own programs are made from. */
export interface OwnProgramOptions {
  nodeInside: string;
  appRoot: string;
  now(): number;
}

/** Runs a ticket's shell command in the checkout, commits what it left and submits its result. */
export function createCommandRuntime(options: OwnProgramOptions): Runtime {
  return ownProgram(options, {
    name: 'command',
    title: 'Shell command',
    file: 'command-agent.mjs',
    capabilities: ['output', 'interrupt', 'commit', 'submit'],
    check: (task) => {
      if (task.command === null || task.command.trim() === '') {
        return fail(
          'invalid-input',
          `${task.ticket} is for the command runtime and has no command.`,
          'Give the ticket a `command`, or another runtime.',
        );
      }
      if (task.command.includes('\0')) {
        return fail('invalid-input', `The command of ${task.ticket} holds a NUL character.`, 'Take it out.');
      }
      return ok(undefined);
    },
  });
}

/** Plays the steps that a ticket's `command` holds as JSON: for rehearsals and tests. */
export function createScriptedRuntime(options: OwnProgramOptions): Runtime {
  return ownProgram(options, {
    name: 'scripted',
    title: 'Scripted agent',
    file: 'scripted-agent.mjs',
    capabilities: ['output', 'interrupt', 'commit', 'submit', 'permissions', 'usage'],
    check: (task) => {
      try {
        if (Array.isArray(JSON.parse(task.command ?? ''))) return ok(undefined);
      } catch {
        // Told below, with what a script is.
      }
      return fail(
        'invalid-input',
        `${task.ticket} is for the scripted runtime and its command is not a JSON array of steps.`,
        'Give it steps, for example [{"write":{"path":"a.txt","content":"a"}},{"commit":"a"},{"submit":"honest"}].',
      );
    },
  });
}

function ownProgram(
  options: OwnProgramOptions,
  program: {
    name: 'command' | 'scripted';
    title: string;
    file: string;
    capabilities: string[];
    check(task: Task): Result<undefined>;
  },
): Runtime {
  const files = [program.file, 'line-agent.mjs'];
  const sourceOf = (file: string): string | undefined =>
    fileAt(join(options.appRoot, 'resources', 'run', file));
  const targetOf = (file: string): string => `/opt/agent/${file}`;
  const missing = (): string | undefined => files.find((file) => sourceOf(file) === undefined);
  return {
    name: program.name,
    title: program.title,
    probe: () => {
      const lost = missing();
      if (lost !== undefined)
        return probed(options.now, {
          absent: `Atrium's own file resources/run/${lost} is missing: install Atrium again.`,
        });
      const { capabilities } = program;
      return probed(options.now, { version: 'built in', detail: "Atrium's own program.", capabilities });
    },
    prepare: (task): Result<RuntimeNeeds> => {
      const checked = program.check(task);
      if (!checked.ok) return checked;
      const mounts: RuntimeNeeds['mounts'] = [];
      for (const file of files) {
        const source = sourceOf(file);
        if (source === undefined) {
          const message = `Atrium's own file resources/run/${file} is missing.`;
          return fail('runtime-missing', message, 'Install Atrium again.');
        }
        mounts.push({ source, target: targetOf(file), access: 'read' });
      }
      return ok({
        mounts,
        environment: {},
        command: [options.nodeInside, targetOf(program.file)],
        homeFiles: [],
      });
    },
    drive: driveLines,
  };
}
