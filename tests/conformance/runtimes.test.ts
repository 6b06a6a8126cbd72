import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRuntimes } from '../../src-main/services/runtimes/index.ts';
import type { Runtime } from '../../src-main/services/runtimes/index.ts';
import { startModelServer } from '../support/model-server.ts';
import type { ModelScript } from '../support/model-server.ts';
import { describeRuntime } from './runtime.ts';
import type { Behaviour } from './runtime.ts';

const appRoot = fileURLToPath(new URL('../..', import.meta.url));
const runtimes = createRuntimes({
  programs: {},
  nodeInside: '/opt/node/bin/node',
  path: '/nowhere',
  appRoot,
});

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
  usage: () => script({ usage: { inputTokens: 100, outputTokens: 10, contextUsed: 0.1 } }),
});

/** A model that plays a script, for an agent program that has one. */
async function withModel(play: ModelScript): Promise<Behaviour> {
  const server = await startModelServer(play);
  return { task: { gatewayUrl: server.url, model: 'scripted-model' }, dispose: () => server.close() };
}

const shell = (text: string) => [{ name: 'run_shell_command', args: { command: text } }];
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
  hangs: () => withModel(saysThenHangs([])),
  floods: () =>
    withModel([{ text: Array.from({ length: 100_000 }, (_, line) => `line ${line}\n`).join('') }]),
  lingers: (room) => withModel(saysThenHangs([{ calls: shell(`(${room.lingering} true)`) }])),
  exitsAtOnce: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'atrium-program-'));
    await mkdir(join(folder, 'bundle'));
    await writeFile(
      join(folder, 'package.json'),
      '{"name":"@google/gemini-cli","version":"0.0.1","type":"module"}',
    );
    await writeFile(join(folder, 'bundle', 'gemini.js'), 'console.error("no licence"); process.exit(3);');
    const [, , gemini] = createRuntimes({
      programs: { gemini: join(folder, 'bundle', 'gemini.js') },
      nodeInside: '/opt/node/bin/node',
      path: '',
      appRoot,
    });
    return { task: {}, ...(gemini && { runtime: gemini }), dispose: () => rm(folder, { recursive: true }) };
  },
  asks: () =>
    withModel((request) => {
      if (request.turns === 0) return { calls: shell('echo asked > asked.txt') };
      return { text: /cancell?ed by the user/.test(request.prompt) ? 'I was denied.' : 'Written.' };
    }),
  usage: () => withModel([{ text: 'Counted.', usage: { input: 1_234, output: 56 } }]),
});

/** Plays steps, says "waiting" with a call that is harmless, and never answers the next request. */
function saysThenHangs(steps: { calls: { name: string; args: Record<string, unknown> }[] }[]): ModelScript {
  return (request) => {
    const step = steps[request.turns];
    if (step !== undefined) return step;
    if (request.turns > steps.length) return { kind: 'hang' };
    return { text: 'I am waiting.', calls: [{ name: 'list_directory', args: { dir_path: '/work' } }] };
  };
}
