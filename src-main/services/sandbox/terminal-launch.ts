import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { DESCRIPTORS, type LaunchPlan } from './arguments.ts';
import { SandboxError } from './failure.ts';
import type { LimitGroup } from './limits.ts';
import { sendKill, waitUntilGone } from './process-tree.ts';
import type { SandboxExit, TerminalLaunch } from './profile.ts';
import { statFields } from './tree-watcher.ts';

/**
 * A PTY takes no descriptors along, and closes none: the other terminals' own ends would be in it. A shell closes them, opens
 * the launcher's, removes the files, gives the terminal to the run's user, joins the groups and becomes the launcher. No new
 * session is made, so that job control, signals of the keyboard and changes of size reach what runs inside. It is bash,
 * because a plain shell knows no descriptor above 9.
 */
const OPEN_THEN_BECOME = [
  'for f in /proc/self/fd/*; do n=${f##*/}; [ "$n" -le 2 ] || eval "exec $n>&-"; done',
  `exec ${DESCRIPTORS.options}<"$1" ${DESCRIPTORS.filter}<"$2" ${DESCRIPTORS.status}>"$3" || exit 125`,
  '/bin/rm -f -- "$1" "$2"',
  '[ -z "$4" ] || /bin/chown "$4" /dev/stdin || exit 125',
  'n=$5; shift 5',
  'while [ "$n" -gt 0 ]; do echo 0 >"$1" || exit 125; shift; n=$((n-1)); done',
  'exec "$@"',
].join('\n');
const SHELLS = ['/bin/bash', '/usr/bin/bash'];

/** Where plans for terminals are laid; whatever a dead core left there is taken away. */
export function clearTerminalFolder(state: string): string {
  const folder = join(state, 'terminals');
  rmSync(folder, { recursive: true, force: true });
  return folder;
}

/**
 * Plans a launch behind a PTY. The caller has checked the launcher and the mounts.
 * @param folder private folder for the files that the shell opens
 * @param owner the user that the terminal is given to, where the core is root
 * @throws Error off the main thread: the kernel ties a tree's life to the thread that started it
 */
export function planTerminal(
  launcher: string,
  plan: LaunchPlan,
  group: LimitGroup,
  folder: string,
  owner: { uid: number; gid: number } | null,
): TerminalLaunch & { gone: Promise<void> } {
  if (!isMainThread) throw new Error('A sandbox can only be started from the main thread.');
  const shell = openingShell();
  const own = join(folder, randomUUID());
  mkdirSync(own, { recursive: true, mode: 0o700 });
  const at = (name: string): string => join(own, name);
  const text = plan.options.map((option) => `${option}\0`).join('');
  writeFileSync(at('options'), text, { mode: 0o600 });
  writeFileSync(at('filter'), plan.filter, { mode: 0o600 });

  let pid: number | null = null;
  let over = false;
  let settleGone: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => {
    settleGone = resolve;
  });
  const initPid = (): number | null => {
    const said = existsSync(at('status')) ? readFileSync(at('status'), 'utf8') : '';
    const found = /"child-pid"\s*:\s*(\d+)/.exec(said)?.[1];
    return found === undefined ? null : Number(found);
  };
  const stop = (): void => {
    if (over || pid === null) return;
    const init = initPid();
    if (init !== null && Number(statFields(init)?.[1]) === pid) sendKill(init);
    sendKill(pid);
  };
  const finish = (): { outOfMemory: boolean } => {
    const { outOfMemory } = group.finish();
    rmSync(own, { recursive: true, force: true });
    settleGone();
    return { outOfMemory };
  };
  return {
    file: shell,
    args: [
      ...['-c', OPEN_THEN_BECOME, 'bash', at('options'), at('filter'), at('status')],
      owner === null ? '' : `${owner.uid}:${owner.gid}`,
      String(group.joinFiles.length),
      ...group.joinFiles,
      ...[launcher, '--args', String(DESCRIPTORS.options), '--', ...plan.command],
    ],
    started(of) {
      pid = of;
      group.attend(of, stop);
    },
    stop,
    async ended(code): Promise<SandboxExit> {
      over = true;
      const init = initPid();
      if (init !== null) await waitUntilGone(init);
      const signal = code === null ? 'SIGKILL' : null;
      return { code, signal, ...finish(), started: init !== null };
    },
    gone,
  };
}

function openingShell(): string {
  const shell = SHELLS.find((file) => existsSync(file));
  if (shell !== undefined) return shell;
  throw new SandboxError(
    'bash-missing',
    'There is no bash, which terminals are opened with.',
    'Install bash.',
  );
}
