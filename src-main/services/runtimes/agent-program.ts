import { fail, ok } from '../../contract/errors.ts';
import type { Result } from '../../contract/errors.ts';
import type { KnownRuntime } from '../../contract/tickets.ts';
import { findOnPath } from './find-program.ts';
import type { DeskLogin, Runtime, RuntimeNeeds, RuntimeProbe, Task } from './port.ts';

/** An agent program on this machine. */
export interface FoundProgram {
  /** The file that was found, as a person is told. */
  file: string;
  version: string;
  /** The file or folder that goes into the walls. */
  source: string;
  /** What starts it inside, without what it is to do. */
  start: string[];
}

/** What a program gets beside its own file: for a task or, where a person calls it, for the desk. */
export interface ProgramUse {
  environment: Record<string, string>;
  /** What follows `FoundProgram.start`. */
  parameters?: string[];
  homeFiles?: RuntimeNeeds['homeFiles'];
  mounts?: RuntimeNeeds['mounts'];
}

/** How a person logs a program in, and what it gets once they have. */
export interface ProgramLogin {
  parameters: string[];
  environment: Record<string, string>;
  steps: string;
  hosts: readonly string[];
  then: Pick<ProgramUse, 'environment' | 'parameters'>;
}

/** One of the agent programs that Atrium knows: where it is found, how it is started, and what can be done with it. */
export interface AgentProgram {
  name: Exclude<KnownRuntime, 'command' | 'scripted'>;
  title: string;
  /** What makes it be there, after "install": ends a sentence that begins with the program's name. */
  install: string;
  /** What of it is named in workspace.yaml: "native program", "file". */
  part: string;
  /** The version that it was tried with. */
  tried: string;
  capabilities: readonly string[];
  /** The file or folder inside the walls at which `FoundProgram.source` is. */
  inside: string;
  /** Looks behind a path: the named one or the one on PATH, or, where there is neither, where else it may be. */
  locate(named: string | undefined): FoundProgram | undefined;
  use(task: Task): Result<ProgramUse>;
  drive: Runtime['drive'];
  desk(gatewayUrl: string): ProgramUse;
  login: ProgramLogin;
  logins: readonly string[];
  sessions: readonly string[];
}

/**
 * The runtime of an agent program.
 *
 * @param options.program where the operator says that it is; undefined to look for it by its runtime's name
 * @param options.path the PATH to look in
 * @param options.now the clock that dates a probe, in milliseconds
 */
export function agentRuntime(
  agent: AgentProgram,
  options: { program: string | undefined; path: string; now(): number },
): Runtime {
  const { name, title } = agent;
  const missing = `${title} was not found ${options.program === undefined ? 'on PATH' : `at ${options.program}`}`;
  const absent = `${missing}: install ${agent.install}, or name its ${agent.part} in workspace.yaml under programs.${name}.`;
  const find = (): FoundProgram | undefined =>
    agent.locate(options.program ?? findOnPath(options.path, name));
  const launch = (found: FoundProgram, use: ProgramUse): RuntimeNeeds => ({
    mounts: [{ source: found.source, target: agent.inside, access: 'read' }, ...(use.mounts ?? [])],
    environment: use.environment,
    command: [...found.start, ...(use.parameters ?? [])],
    homeFiles: use.homeFiles ?? [],
  });

  const loginOf = (found: FoundProgram): DeskLogin => {
    const { parameters, environment, steps, hosts, then } = agent.login;
    return {
      command: [...found.start, ...parameters],
      environment,
      ...{ steps, hosts },
      then: { command: [...found.start, ...(then.parameters ?? [])], environment: then.environment },
    };
  };

  return {
    name,
    title,
    probe: () => {
      const found = find();
      if (found === undefined) return probed(options.now, { absent });
      const { file, version } = found;
      const tried = version === agent.tried ? '' : ` Tried with ${agent.tried}; this version was not.`;
      return probed(options.now, {
        version,
        detail: `Found at ${file}.${tried}`,
        capabilities: agent.capabilities,
      });
    },
    prepare: (task) => {
      const found = find();
      if (found === undefined) return fail('runtime-missing', `${missing}.`, absent);
      const use = agent.use(task);
      return use.ok ? ok(launch(found, use.value)) : use;
    },
    drive: agent.drive,
    desk: (gatewayUrl) => {
      const found = find();
      if (found === undefined) return null;
      return { ...launch(found, agent.desk(gatewayUrl)), login: loginOf(found) };
    },
    logins: agent.logins,
    sessions: agent.sessions,
  };
}

/** A probe with its date: of what is there, or the sentence for what is absent. */
export function probed(
  now: () => number,
  seen: { version: string; detail: string; capabilities: readonly string[] } | { absent: string },
): Promise<RuntimeProbe> {
  const probedAt = new Date(now()).toISOString();
  if ('absent' in seen)
    return Promise.resolve({ present: false, version: '', detail: seen.absent, probedAt, capabilities: [] });
  return Promise.resolve({ present: true, ...seen, capabilities: [...seen.capabilities], probedAt });
}
