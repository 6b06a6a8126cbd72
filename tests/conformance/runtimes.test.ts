import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { createRuntimes } from '../../src-main/services/runtimes/index.ts';
import type { Runtime, Task } from '../../src-main/services/runtimes/index.ts';
import { makeRoom } from './runtime-room.ts';
import type { Room } from './runtime-room.ts';
import { reportsWith, saysThenHangs, withModel } from './runtime-models.ts';
import { describeRuntime, start } from './runtime.ts';

const appRoot = fileURLToPath(new URL('../..', import.meta.url));
const places = { nodeInside: '/opt/node/bin/node', path: process.env['PATH'] ?? '', appRoot } as const;
const runtimes = createRuntimes({ ...places, programs: {} });

function named(name: Runtime['name']): Runtime {
  const found = runtimes.find((runtime) => runtime.name === name);
  if (found === undefined) throw new Error(`there is no runtime ${name}`);
  return found;
}

const command = (text: string) => Promise.resolve({ task: { command: text } });
describeRuntime('command', {
  runtime: named('command'),
  works: () => command('echo starting; echo hello > hello.txt'),
  fails: async () => ({
    ...(await command('echo the disk is sour >&2; exit 3')),
    says: /exit code 3.*the disk is sour/s,
  }),
  hangs: () => command('echo waiting; sleep 100000'),
  floods: () => command('head -c 1000000 /dev/zero | tr "\\0" x; sleep 100000'),
  lingers: (room) => command(`${room.lingering} echo waiting; sleep 100000`),
  exitsAtOnce: () => command('exit 7'),
  asks: null,
  reports: null,
  usage: null,
});

const script = (...steps: Record<string, unknown>[]) => command(JSON.stringify(steps));
describeRuntime('scripted', {
  runtime: named('scripted'),
  works: () =>
    script(
      { say: 'starting' },
      { run: 'echo hello > hello.txt' },
      { commit: 'Say hello' },
      { submit: 'honest' },
    ),
  fails: async () => ({
    ...(await script({ fail: { reason: 'I do not know how.' } })),
    says: /do not know how/,
  }),
  hangs: () => script({ say: 'waiting' }, { hang: true }),
  floods: () => script({ flood: 1_000_000 }, { hang: true }),
  lingers: (room) =>
    script({ spawnDetached: room.lingering.replace(/&$/, '') }, { say: 'waiting' }, { hang: true }),
  exitsAtOnce: () => script({ exit: 0 }),
  asks: () =>
    script({
      permission: {
        tool: 'shell',
        kind: 'execute',
        text: 'write asked.txt',
        then: [{ run: 'echo asked > asked.txt' }],
      },
    }),
  reports: null,
  usage: () => script({ usage: { inputTokens: 100, outputTokens: 10, contextUsed: 0.1 } }),
});

describe('the command runtime', () => {
  const gone: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const dispose of gone.splice(0)) await dispose();
  });
  const run = async (room: Room, task: Partial<Task>) => {
    gone.push(() => room.dispose());
    const drive = await start(room, named('command'), task);
    return { outcome: await drive.outcome, events: drive.events };
  };

  test('submits what is checked out, with the ticket, the commit and the files', async () => {
    const room = await makeRoom();
    const { outcome } = await run(room, { command: 'echo a > a.txt', title: 'Add a' });
    expect(outcome.outcome).toBe('done');
    expect(room.submitted).toHaveLength(1);
    expect(room.submitted[0]).toMatchObject({
      path: '/api/run/result',
      body: { ticket: room.ticket, commit: room.git('rev-parse', 'HEAD'), files: ['a.txt'] },
    });
  });

  test('takes a title and a command as they are, whatever they hold', async () => {
    const room = await makeRoom();
    const title = `-m "it's" $(touch pwned) \`touch pwned\` # <b>`;
    const command = String.raw`printf '%s' "\$HOME 'x' \\" > 'a "b".txt'`;
    const { outcome } = await run(room, { command, title });
    expect(outcome).toMatchObject({ outcome: 'done' });
    expect(room.git('log', '-1', '--format=%s')).toBe(title);
    expect(room.git('ls-files')).not.toContain('pwned');
    expect(await room.read('a "b".txt')).toBe(`$HOME 'x' \\`);
  });

  test('keeps the commits of the command itself, and adds one only for what is left', async () => {
    const room = await makeRoom();
    const { outcome } = await run(room, {
      command: 'echo a > a; git add a; git commit -qm mine; echo b > b',
    });
    expect(outcome.outcome).toBe('done');
    expect(room.git('log', '--format=%s').split('\n')).toEqual(['Say hello', 'mine', 'Base']);
  });

  test('has failed when nothing was changed', async () => {
    const room = await makeRoom();
    const { outcome } = await run(room, { command: 'true' });
    expect(outcome).toMatchObject({ outcome: 'failed', reason: 'The command changed nothing.' });
    expect(room.submitted).toHaveLength(0);
  });

  test('commits nothing of a command that failed', async () => {
    const room = await makeRoom();
    const { outcome } = await run(room, { command: 'echo a > a; false' });
    expect(outcome.reason).toMatch(/exit code 1/);
    expect(room.git('rev-parse', 'HEAD')).toBe(room.base);
  });

  test('does not commit node_modules, and runs no hook that the repository planted', async () => {
    const room = await makeRoom();
    const hook =
      'printf "#!/bin/sh\\ntouch /work/hooked; exit 1" > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit';
    const { outcome } = await run(room, {
      command: `${hook}; mkdir node_modules; echo x > node_modules/x; echo a > a`,
    });
    expect(outcome).toMatchObject({ outcome: 'done' });
    expect(room.git('ls-files').split('\n')).toEqual(['README.md', 'a']);
    await expect(room.read('hooked')).rejects.toThrow(/ENOENT/);
  });

  test('has failed when its result is refused, with the reason', async () => {
    const room = await makeRoom();
    room.refuse('the ticket is not in progress');
    const { outcome } = await run(room, { command: 'echo a > a' });
    expect(outcome).toMatchObject({ outcome: 'failed' });
    expect(outcome.reason).toMatch(/the ticket is not in progress/);
  });

  test('does not wait for what the command left in the background', async () => {
    const room = await makeRoom();
    const { outcome } = await run(room, { command: `echo a > a; ${room.lingering} sleep 100000 &` });
    expect(outcome.outcome).toBe('done');
  });

  test.each([null, '', '  ', 'a\0b'])('refuses the command %j before anything is launched', (text) => {
    const task = {
      ticket: 'T-a-1',
      prompt: '',
      command: text,
      model: null,
      title: 't',
      gatewayUrl: '',
      session: null,
      tools: null,
    };
    expect(named('command').prepare(task)).toMatchObject({ ok: false, failure: { code: 'invalid-input' } });
  });
});

test('the scripted runtime can lie about its result', async () => {
  const room = await makeRoom();
  const lie = { submit: { ticket: 'T-label-2', commit: 'f'.repeat(40) } };
  const drive = await start(room, named('scripted'), {
    command: JSON.stringify([lie, { say: 'All done.' }]),
  });
  expect(await drive.outcome).toMatchObject({ outcome: 'done', finalText: 'All done.' });
  expect(room.submitted[0]?.body).toMatchObject({ ticket: 'T-label-2', commit: 'f'.repeat(40) });
  await room.dispose();
});

test.each(['gemini', 'claude', 'codex', 'opencode'] as const)(
  '%s that is not there is said, not failed',
  async (name) => {
    const absent = createRuntimes({ ...places, programs: { [name]: '/nowhere/it' } }).find(
      (each) => each.name === name,
    );
    expect(await absent?.probe()).toMatchObject({
      present: false,
      detail: expect.stringContaining('/nowhere/it') as string,
    });
    const task = {
      ticket: 'T-a-1',
      prompt: '',
      command: null,
      model: null,
      title: 't',
      gatewayUrl: '',
      session: null,
      tools: null,
    };
    expect(absent?.prepare(task)).toMatchObject({ ok: false, failure: { code: 'runtime-missing' } });
  },
);

/** A stand-in for Gemini CLI that ends its turn as the brief says: an error's code, a reason to stop, or the exit of the program. */
const standIn = `
import { createInterface } from 'node:readline';
const send = (value) => console.log(JSON.stringify({ jsonrpc: '2.0', ...value }));
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (method === 'initialize') send({ id, result: { protocolVersion: 1 } });
  if (method === 'session/new') send({ id, result: { sessionId: 's' } });
  if (method !== 'session/prompt') return;
  const [{ text }] = params.prompt;
  console.log('this is no JSON');
  if (text === 'exit') process.exit(9);
  if (/^[0-9]+$/.test(text)) send({ id, error: { code: Number(text), message: 'said ' + text } });
  else send({ id, result: { stopReason: text } });
});
`;

/** A package that looks like Gemini CLI's, with a program of the test's own. */
async function fakeGemini(program: string): Promise<{ runtime: Runtime; dispose(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'atrium-program-'));
  const file = join(folder, 'bundle', 'gemini.js');
  await mkdir(join(folder, 'bundle'));
  await writeFile(
    join(folder, 'package.json'),
    '{"name":"@google/gemini-cli","version":"0.0.1","type":"module"}',
  );
  await writeFile(file, program);
  const runtime = createRuntimes({ ...places, programs: { gemini: file } }).find(
    (each) => each.name === 'gemini',
  );
  if (runtime === undefined) throw new Error('there is no runtime gemini');
  return { runtime, dispose: () => rm(folder, { recursive: true }) };
}

test.each([
  ['429', 'failed', true, /said 429/],
  ['503', 'failed', true, /said 503/],
  ['400', 'failed', false, /said 400/],
  ['refusal', 'failed', false, /refused/],
  ['max_tokens', 'failed', false, /limit of tokens/],
  ['max_turn_requests', 'failed', false, /limit of requests/],
  ['end_turn', 'done', false, /ended its turn/],
  ['exit', 'failed', false, /exit code 9 in the middle of its turn/],
])('an agent over ACP whose turn ends with %s has %s', async (prompt, outcome, transient, reason) => {
  const room = await makeRoom();
  const { runtime, dispose } = await fakeGemini(standIn);
  const drive = await start(room, runtime, { prompt });
  expect(await drive.outcome).toMatchObject({
    outcome,
    transient,
    reason: expect.stringMatching(reason) as string,
  });
  await dispose();
  await room.dispose();
});

const shell = (text: string) => [{ name: 'run_shell_command', args: { command: text } }];
const harmless = [{ name: 'list_directory', args: { dir_path: '/work' } }];
describeRuntime('gemini', {
  runtime: named('gemini'),
  works: () =>
    withModel([
      {
        text: 'I am starting.',
        calls: [{ name: 'write_file', args: { file_path: '/work/hello.txt', content: 'hello\n' } }],
      },
      { calls: shell('git add -A && git commit -q -m hello') },
      { text: 'Written.' },
    ]),
  fails: async () => ({
    ...(await withModel({ steps: [], failures: [{ kind: 'status', status: 400, times: 99 }] })),
    says: /scripted failure 400/,
  }),
  hangs: () => withModel(saysThenHangs([], harmless)),
  floods: () =>
    withModel([{ text: Array.from({ length: 100_000 }, (_, line) => `line ${line}\n`).join('') }]),
  lingers: (room) => withModel(saysThenHangs([{ calls: shell(`(${room.lingering} true)`) }], harmless)),
  exitsAtOnce: async () => ({
    task: {},
    ...(await fakeGemini('console.error("no licence"); process.exit(3);')),
  }),
  asks: () =>
    withModel((request) => {
      if (request.turns === 0) return { calls: shell('echo asked > asked.txt') };
      return { text: /cancell?ed by the user/.test(request.prompt) ? 'I was denied.' : 'Written.' };
    }),
  reports: (room) => reportsWith(room, (text) => [{ name: 'mcp_atrium_report_progress', args: { text } }]),
  usage: () => withModel([{ text: 'Counted.', usage: { input: 1_234, output: 56 } }]),
});
