import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { RunId, TicketId } from '../contract/ids.ts';
import { INSIDE } from '../domain/inside.ts';
import type { Run } from '../domain/run.ts';
import type { Runtime, Task } from '../services/runtimes/index.ts';
import type { Sandbox, SandboxProfile } from '../services/sandbox/index.ts';

/**
 * The sessions that agent programs leave: a later run of the same ticket goes on with one. Each stays in the home that it was
 * written in, which agents could write: it is kept under its ticket in the brand's state and read inside the walls alone.
 */
export interface RunSessions {
  /** Takes the home of a run that has ended: kept where its ticket may and its program told of a session, else removed. */
  leave(run: RunId): void;
  /**
   * The task as it goes on with the session of an ended run, which is laid into a fresh home; null where there is none to go on
   * with: another program's, one that is gone, or one that cannot be read.
   */
  takeUp(from: RunId, task: Task, into: TakingUp): Promise<Task | null>;
}

interface TakingUp {
  runtime: Runtime;
  /** Host folder of the fresh home. */
  home: string;
  room: Pick<SandboxProfile, 'name' | 'limits' | 'identity'>;
}

/** The longest session that is taken up, in kilobytes. */
const LONGEST = 128 * 1024;

/** What a program is told that goes on with a session: what it remembers is not what it finds. */
const AGAIN = `You go on in this session, in a room that was made anew. The checkout is as the brief says: what you had changed
there and not submitted is not in it. The brief as it stands now:

`;

/**
 * @param options.folder where sessions are kept, in the brand's state
 * @param options.homes where homes of runs are
 */
export function createRunSessions(options: {
  folder: string;
  homes: string;
  sandbox: Sandbox;
  run(id: RunId): Run | null;
  /** The ticket is open, and grants no secret: a program may have written it into its home. */
  mayKeep(ticket: TicketId): boolean;
}): RunSessions {
  const { folder, homes, sandbox } = options;
  const keptOf = (ticket: TicketId, run: RunId) => join(folder, ticket, run);

  /** What nobody goes on with any more. */
  const clear = () => {
    if (!existsSync(folder)) return;
    for (const ticket of readdirSync(folder))
      if (!options.mayKeep(ticket as TicketId))
        rmSync(join(folder, ticket), { recursive: true, force: true });
  };

  return {
    leave(id) {
      const home = join(homes, id);
      const run = options.run(id);
      clear();
      if (run?.session === undefined || run.ticket === null || !options.mayKeep(run.ticket)) {
        rmSync(home, { recursive: true, force: true });
        return;
      }
      const kept = keptOf(run.ticket, id);
      mkdirSync(dirname(kept), { recursive: true, mode: 0o700 });
      try {
        renameSync(home, kept);
        for (const name of CACHES) rmSync(join(kept, name), { recursive: true, force: true });
      } catch {
        // Without it a later run begins anew.
        rmSync(home, { recursive: true, force: true });
      }
    },
    async takeUp(from, task, { runtime, home, room }) {
      const run = options.run(from);
      const paths = runtime.sessions ?? [];
      if (run?.session === undefined || run.ticket === null || run.runtime !== runtime.name) return null;
      const kept = keptOf(run.ticket, from);
      if (paths.length === 0 || !existsSync(kept)) return null;
      const copied = await sandbox.run(
        {
          ...room,
          mounts: [
            { kind: 'bind', source: kept, target: INSIDE.base, access: 'read' },
            { kind: 'bind', source: home, target: INSIDE.home, access: 'write' },
          ],
          workdir: INSIDE.home,
          environment: {},
          socket: null,
          kernel: { read: [INSIDE.base], write: [INSIDE.home], ports: [], required: false },
        },
        ['/bin/sh', '-c', COPY, 'sh', INSIDE.base, String(LONGEST), ...paths],
        { timeoutMs: 60_000, maxOutputBytes: 65_536 },
      );
      rmSync(kept, { recursive: true, force: true });
      if (copied.outcome !== 'exited' || copied.code !== 0) return null;
      return { ...task, session: run.session, prompt: `${AGAIN}${task.prompt}` };
    },
  };
}

/** At the top of a home: what programs can make again. */
const CACHES = ['.cache', '.npm'];

/** Copies folders of a kept home into the working folder, links as links; fails where one is missing or they are too long. */
const COPY = `from=$1; most=$2; shift 2; all=0
for path in "$@"; do
  [ -e "$from/$path" ] || exit 3
  all=$((all + $(du -sk "$from/$path" | cut -f 1)))
  [ "$all" -le "$most" ] || exit 4
  mkdir -p "$(dirname "$path")" && cp -RPp "$from/$path" "$path" || exit 5
done
`;
