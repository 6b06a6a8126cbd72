import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as after } from 'node:timers/promises';
import { appRoot, nodePath } from '../support/workspace.ts';
import type { CoreProcess, OperatorClient, TestPlace } from '../support/workspace.ts';

/** A sequence of numbers from 0 to 1 that a seed decides (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The programs as they are built now, in a folder that no later build touches. */
export function copyPrograms(folder: string): string {
  mkdirSync(folder, { recursive: true });
  // What is mounted into a sandbox may not be reached through a link.
  for (const name of ['out/main', 'out/native', 'out/run', 'resources', 'package.json'])
    cpSync(path.join(appRoot, name), path.join(folder, name), { recursive: true });
  symlinkSync(path.join(appRoot, 'node_modules'), path.join(folder, 'node_modules'));
  return folder;
}

/** When a core is killed. */
export type Moment =
  /** So long after its start as a process, before or after it is ready. */
  | { kind: 'boot'; ms: number }
  /** So long after it was ready. */
  | { kind: 'time'; ms: number }
  /** When its feed tells of an event of this type, or after `ms` where none comes. */
  | { kind: 'event'; type: string; ms: number };

/** The events after which something is left to be done: each is a place to die in. The later ones come up more often. */
const EVENTS = [
  'ticket.approved',
  'attempt.started',
  'run.proved',
  ...['result.submitted', 'run.ended', 'ticket.submitted', 'verdict.submitted', 'gate.reported'].flatMap(
    (type) => [type, type],
  ),
  ...['ticket.merged', 'checkout.removed', 'finding.recorded', 'page.written'].flatMap((type) => [
    type,
    type,
  ]),
];

export function pickMoment(random: () => number): Moment {
  const kind = random();
  if (kind < 0.15) return { kind: 'boot', ms: Math.floor(random() * 700) };
  if (kind < 0.45) return { kind: 'time', ms: Math.floor(random() * 3_500) };
  const type = EVENTS[Math.floor(random() * EVENTS.length)] ?? 'ticket.merged';
  return { kind: 'event', type, ms: 5_000 };
}

/** Starts a core and kills it while it may still be starting. */
export async function killDuringBoot(place: TestPlace, root: string, ms: number): Promise<void> {
  const child = spawn(nodePath, [path.join(root, 'out', 'main', 'core.js'), '--workspace', place.workspace], {
    cwd: place.workspace,
    env: place.environment,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  createInterface({ input: child.stdout }).on('line', () => undefined);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await Promise.race([after(ms), ended]);
  child.kill('SIGKILL');
  await ended;
}

/** Kills a core at its moment; `meanwhile` is what the operator does until then. */
export async function killAt(
  core: CoreProcess,
  moment: Extract<Moment, { kind: 'time' | 'event' }>,
  meanwhile: (client: OperatorClient) => Promise<void>,
): Promise<void> {
  const type = moment.kind === 'event' ? moment.type : null;
  const feed = type === null ? undefined : await core.client.feed({});
  const seen = feed && firstOf(feed, (item) => item.kind === 'activity' && item.entry.type === type);
  // What the operator asks of a core that dies under the question has no answer.
  const asked = meanwhile(core.client).catch(() => undefined);
  const alarm = new AbortController();
  const late = after(moment.ms, undefined, { signal: alarm.signal }).catch(() => undefined);
  await Promise.race([late, core.ended, ...(seen ? [seen] : [])]);
  await core.kill();
  alarm.abort();
  await asked;
}

async function firstOf<T>(items: AsyncIterable<T>, wanted: (item: T) => boolean): Promise<void> {
  try {
    for await (const item of items) if (wanted(item)) return;
  } catch {
    // The connection ended with the core.
  }
}

/** Processes whose command line, working folder or environment names a folder. */
export function processesOf(folder: string): string[] {
  const found: string[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid) continue;
    try {
      const said = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      const state = / State:\s+Z/.test(` ${readFileSync(`/proc/${pid}/status`, 'utf8')}`);
      const cwd = readlinkSync(`/proc/${pid}/cwd`);
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
      if (!state && [said, cwd, environment].some((text) => text.includes(folder)))
        found.push(`${pid}: ${said.replaceAll('\0', ' ')}`);
    } catch {
      // It ended while it was looked at.
    }
  }
  return found;
}
