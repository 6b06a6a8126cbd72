import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { initWorkspace } from '../../../app/workspace.ts';
import { BrandConfig, ContractFrontmatter, WorkspaceConfig } from '../../../contract/config.ts';
import { Handoff } from '../../../contract/handoff.ts';
import { StartAnswers } from '../../../contract/start.ts';
import type { StatusView } from '../../../contract/feed.ts';
import type { WaitingItem } from '../../../contract/waiting.ts';
import { TicketDraft } from '../../../contract/tickets.ts';
import { readCoreFile } from '../../core/place.ts';
import { openInBrowser } from '../browser-window.ts';
import { refuse, valueOf } from '../failure.ts';
import { counted, facts, table } from '../output.ts';
import { whole } from '../program.ts';
import type { Group } from '../program.ts';

const schemas = {
  workspace: WorkspaceConfig,
  brand: BrandConfig,
  contract: ContractFrontmatter,
  'ticket-draft': TicketDraft,
  'start-answers': StartAnswers,
  handoff: Handoff,
};

/** `init`, `status`, `serve`, `core stop` and `schema`. */
export function addOpenCommands(program: Group): void {
  program.add<{ sample?: boolean }>(
    'init <dir>',
    'make a workspace in a folder that is missing or empty',
    [{ flags: '--sample', description: 'with three brands to try it on' }],
    ({ output, appRoot }, { sample }, dir = '') => {
      if (dir === '') refuse('usage', 'init has an empty path.', 'Name the folder of the workspace.');
      const made = valueOf(initWorkspace(path.resolve(dir), { sample: sample === true, appRoot }));
      const brands = made.brands.map((brand) => ({
        ...brand,
        repositories: brand.repositories.map((each) => each.path),
      }));
      output.value(
        { ...made, brands },
        () =>
          `The workspace is ${made.workspace}.\nAdd a brand: atrium brand add ID --name NAME --repository PATH --yes`,
      );
    },
  );

  program.add(
    'status',
    'what there is and what waits; starts nothing',
    [],
    async ({ output, place, runningCore }) => {
      const at = place();
      const core = await runningCore();
      const status =
        core === undefined ? await statusOfClosed(at.workspace) : valueOf(await core.client.status({}));
      output.value(status, () => describeStatus(status));
    },
  );

  program.add<{ port?: number; open?: boolean; create?: boolean }>(
    'serve',
    'open the browser door and keep it open until Ctrl-C',
    [
      { flags: '--port <n>', description: 'the port on 127.0.0.1', read: whole(1, 65_535) },
      { flags: '--no-open', description: 'do not open a browser' },
      { flags: '--create', description: 'make the workspace where there is none yet' },
    ],
    async ({ output, core, makeFirst, place }, { port, open, create }) => {
      if (create === true && makeFirst()) output.note(`Made the workspace ${place().workspace}.`);
      // Before the address is told: whoever reads it may end this at once.
      const interrupted = new Promise<'interrupted'>((resolve) => {
        process.once('SIGINT', () => resolve('interrupted'));
        process.once('SIGTERM', () => resolve('interrupted'));
      });
      const connection = await core('serve');
      const info = await connection.client.host.info({});
      const door = valueOf(await connection.client.host.openBrowserDoor(port === undefined ? {} : { port }));
      const { socket, pid } = info;
      output.value({ url: door.url, socket, pid }, () => `Atrium is at ${door.url}\nCtrl-C ends it.`);
      if (open !== false && !output.json) openInBrowser(door.url);
      const how = await Promise.race([interrupted, connection.ended]);
      if (how !== 'interrupted') {
        process.exitCode = 1;
        process.stderr.write('The core has ended, and the browser door with it.\n');
        return;
      }
      const { running } = valueOf(await connection.client.status({}));
      if (running > 0) process.stderr.write(`${goOn(running)}\n`);
    },
  );

  const core = program.group('core', 'the process that owns the workspace');
  core.add(
    'stop',
    'end the core; its runs are interrupted and resumed by the next',
    [],
    async ({ output, place, runningCore }) => {
      const connection = await runningCore();
      if (connection === undefined) {
        const at = place();
        const { lockIsHeld } = await import('../../core/lock.ts');
        const ending = lockIsHeld(at.lock) ? readCoreFile(at) : undefined;
        if (ending !== undefined) await untilGone(ending.pid);
        output.value({ stopped: false }, () => 'No core runs.');
        return;
      }
      const { pid } = await connection.client.host.info({});
      await connection.client.host.stop({});
      await connection.ended;
      await untilGone(pid);
      output.value({ stopped: true, pid }, () => 'The core has ended.');
    },
  );

  program.add<{ out?: string }>(
    'schema',
    'the JSON Schemas of the files that a person writes',
    [{ flags: '--out <dir>', description: 'write them there instead of printing them' }],
    ({ output }, { out }) => {
      const made = Object.fromEntries(
        Object.entries(schemas).map(([name, schema]) => [
          name,
          z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }),
        ]),
      );
      if (out === undefined) {
        output.value(made, () => JSON.stringify(made, undefined, 2));
        return;
      }
      const folder = path.resolve(out);
      mkdirSync(folder, { recursive: true });
      const files = Object.entries(made).map(([name, schema]) => {
        const file = path.join(folder, `${name}.schema.json`);
        writeFileSync(file, `${JSON.stringify(schema, undefined, 2)}\n`);
        return file;
      });
      output.value({ files }, () => files.join('\n'));
    },
  );
}

/** What waits, one line each, as every door lists it. */
function describeWaiting(waits: readonly WaitingItem[]): string {
  return table(
    ['WAITS', 'TICKET', 'TITLE', 'WHAT'],
    waits.map(({ kind, ticket, title, detail }) => [kind, ticket ?? '', title, detail]),
    'Nothing waits for you.',
  );
}

function describeStatus(status: StatusView): string {
  const core = status.core === null ? 'not running' : `running, process ${status.core.pid}`;
  const { approvals, questions, total } = status.waiting;
  const waits = `${total} (${counted(approvals, 'approval')}, ${counted(questions, 'question')})`;
  const above = facts([
    ['Workspace', status.workspace],
    ['Core', core],
    ['Browser', status.core?.url],
    ['Waiting', waits],
    ['Running', String(status.running)],
  ]);
  const brands = table(
    ['BRAND', 'STATE', ''],
    status.brands.map((brand) => [brand.id, brand.state, brand.error ?? '']),
    'No brand yet.',
  );
  const list = describeWaiting(status.waits);
  if (status.runtimes === undefined) return `${above}\n\n${list}\n\n${brands}`;
  const programs = table(
    ['AGENT PROGRAM', 'VERSION', 'WHAT IT CAN DO'],
    status.runtimes.map(({ title, present, version, capabilities }) => [
      title,
      present ? version : 'not here',
      capabilities.join(', '),
    ]),
    'No agent program.',
  );
  return `${above}\n\n${list}\n\n${brands}\n\n${programs}`;
}

/** Settles when a process is gone; the connection ended before, so that this is a matter of milliseconds. */
/** Read from the files; the databases that this takes are loaded by no command that does not need them. */
async function statusOfClosed(workspace: string): Promise<StatusView> {
  const { closedStatus } = await import('../../../app/closed-status.ts');
  return closedStatus(workspace);
}

/** Says what keeps the core though its door is closed. */
function goOn(running: number): string {
  const what = running === 1 ? 'One run or terminal goes on' : `${running} runs or terminals go on`;
  return `${what}, and the core with ${running === 1 ? 'it' : 'them'}: "atrium run list" shows which, "atrium core stop" ends all.`;
}

async function untilGone(pid: number): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    if (Date.now() > deadline)
      refuse('fault', `The core, process ${pid}, does not end.`, 'End it by its number.');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
