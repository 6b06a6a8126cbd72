import { mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addBrand, held, makePlace } from '../support/workspace.ts';
import type { InProcessCore, TestPlace } from '../support/workspace.ts';

/** `guard check` with paths and ids that try to look like others. It is early feedback: the walls stand behind it. */

let place: TestPlace;
let core: InProcessCore;
let checkout: string;

beforeAll(async () => {
  place = makePlace();
  const shop = place.repository('shop', { 'src/a.txt': 'one\n', 'test.sh': 'exit 0\n' });
  const other = place.repository('other', { 'b.txt': 'b\n' });
  core = await place.open();
  await addBrand(core.client, 'acme', shop.path, { test: 'sh test.sh' });
  await addBrand(core.client, 'beta', other.path, { test: 'true' });
  const draft = { title: 'x', paths: ['src/**'], command: 'true' };
  const { id } = held(await core.client.ticket.draft({ brand: 'acme', draft }));
  checkout = path.join(place.workspace, 'checkouts', 'acme', id);
  mkdirSync(path.join(checkout, 'src'), { recursive: true });
  symlinkSync(path.join(place.workspace, '.atrium'), path.join(checkout, 'src', 'state'));
  symlinkSync('/etc', path.join(checkout, 'src', 'etc'));
  symlinkSync(path.join(place.workspace, 'wiki', 'beta'), path.join(checkout, 'src', 'wiki'));
});
afterAll(async () => {
  await core.close();
  place.remove();
});

const ask = async (question: unknown) => held(await core.client.guard.check({ question }));
const executor = (tool: string, input: Record<string, unknown>, cwd = checkout) =>
  ask({ brand: 'acme', role: 'ticket-executor', tool, input, cwd });

test('[B2] the tickets: Write, Edit and a redirect in Bash are denied, however they are named (hook.tickets-by-tool)', async () => {
  const file = path.join(place.workspace, 'brands', 'acme', 'tickets.jsonl');
  for (const name of [
    file,
    `${file}/`,
    `${place.workspace}//brands/./acme/tickets.jsonl`,
    'tickets.jsonl',
    './src/../tickets.json',
    '../../../brands/acme/tickets.jsonl',
  ])
    for (const tool of ['Write', 'Edit', 'MultiEdit', 'write_file', 'replace'])
      expect([name, tool, await executor(tool, { file_path: name })]).toEqual([
        name,
        tool,
        expect.objectContaining({ decision: 'deny', rule: 'ticket-state-guard' }),
      ]);
  for (const command of [
    `echo x > ${file}`,
    'echo x >> tickets.jsonl',
    'tee tickets.json < x',
    'sed -i s/a/b/ brands/acme/tickets.jsonl',
    'mv x tickets.jsonl',
  ])
    expect([command, await executor('Bash', { command })]).toEqual([
      command,
      expect.objectContaining({ decision: 'deny', rule: 'ticket-state-guard' }),
    ]);
});

test.each<[string, Record<string, unknown>]>([
  ['above its checkout', { file_path: '../../../../etc/passwd' }],
  ['a neighbour whose name begins alike', { file_path: 'CHECKOUT0/src/a.txt' }],
  ['the state', { file_path: 'WORKSPACE/.atrium/workspace.db' }],
  ['the state, with a trailing slash', { file_path: 'WORKSPACE/.atrium/' }],
  ['the wiki of another brand', { file_path: 'WORKSPACE/wiki/beta/index.md' }],
  ['a wiki whose name begins alike', { file_path: 'WORKSPACE/wiki/acme2/index.md' }],
  ['the wiki of its own brand, which the librarian writes', { file_path: 'WORKSPACE/wiki/acme/index.md' }],
  ['its brand in capitals', { file_path: 'WORKSPACE/WIKI/acme/index.md' }],
  ['git’s own files', { file_path: '.git/hooks/pre-commit' }],
  ['git’s own folder', { file_path: 'src/../.git' }],
  ['what is not in its ticket', { file_path: 'test.sh' }],
  ['nothing at all', { content: 'x' }],
  ['an empty path', { file_path: '' }],
  ['a path that is no text', { file_path: 5 }],
  ['one good path and one bad (hook.second-path)', { file_path: 'src/a.txt', path: '/etc/passwd' }],
  ['a good path, and a bad one in another field', { path: 'src/a.txt', destination: '/etc/passwd' }],
  ['a good path, and a bad one as other programs spell it', { path: 'src/a.txt', filePath: '/etc/passwd' }],
  [
    'a good path, and a bad one in a list of edits',
    { file_path: 'src/a.txt', edits: [{ file_path: '/etc/passwd' }] },
  ],
  ['a link to the state (hook.link)', { file_path: 'src/state/workspace.db' }],
  ['a link to the system', { file_path: 'src/etc/passwd' }],
  ['a link to another brand', { file_path: 'src/wiki/page.md' }],
])('an edit of %s is denied', async (_name, input) => {
  const text = JSON.stringify(input)
    .replaceAll('CHECKOUT', checkout)
    .replaceAll('WORKSPACE', place.workspace);
  expect(await executor('Edit', JSON.parse(text) as Record<string, unknown>)).toMatchObject({
    decision: 'deny',
  });
});

test.each<[string, unknown]>([
  ['nothing', null],
  ['a word', 'Write'],
  ['a list', []],
  ['an empty object', {}],
  ['no tool', { brand: 'acme', role: 'ticket-executor', input: {}, cwd: '/work' }],
  [
    'an input that is a word',
    { brand: 'acme', role: 'ticket-executor', tool: 'Read', input: 'x', cwd: '/work' },
  ],
  [
    'a folder that is not absolute',
    { brand: 'acme', role: 'ticket-executor', tool: 'Read', input: { path: 'a' }, cwd: 'work' },
  ],
  [
    'a brand that there is not',
    { brand: 'gamma', role: 'ticket-executor', tool: 'Read', input: { path: 'a' }, cwd: '/work' },
  ],
  [
    'a brand as a path',
    { brand: '../acme', role: 'ticket-executor', tool: 'Read', input: { path: 'a' }, cwd: '/work' },
  ],
  [
    'a brand in capitals',
    { brand: 'ACME', role: 'ticket-executor', tool: 'Read', input: { path: 'a' }, cwd: '/work' },
  ],
  [
    'a brand that is a property of every object',
    { brand: '__proto__', role: 'ticket-executor', tool: 'Read', input: {}, cwd: '/work' },
  ],
  [
    'a role that there is not',
    { brand: 'acme', role: 'root', tool: 'Read', input: { path: 'a' }, cwd: '/work' },
  ],
  [
    'a role as a path',
    { brand: 'acme', role: '../ticket-executor', tool: 'Read', input: { path: 'a' }, cwd: '/work' },
  ],
  [
    'a tool that nobody knows',
    { brand: 'acme', role: 'ticket-executor', tool: 'Launch', input: { path: 'src/a.txt' }, cwd: '/work' },
  ],
  [
    'an agent of its own',
    { brand: 'acme', role: 'ticket-executor', tool: 'Task', input: { prompt: 'x' }, cwd: '/work' },
  ],
  [
    'a question to the operator',
    { brand: 'acme', role: 'ticket-executor', tool: 'AskUserQuestion', input: {}, cwd: '/work' },
  ],
  [
    'a file with a name that holds a zero',
    {
      brand: 'acme',
      role: 'ticket-executor',
      tool: 'Edit',
      input: { path: '/work/src/\0/../../etc/passwd' },
      cwd: '/work',
    },
  ],
])('a question with %s is denied', async (_name, question) => {
  expect(await ask(question)).toMatchObject({ decision: 'deny' });
});

test('[C1] [C6] each role has its own: the librarian its wiki, the verifier nothing to write', async () => {
  const edit = (role: string, file: string, brand = 'acme') =>
    ask({ brand, role, tool: 'Write', input: { file_path: file }, cwd: place.workspace });
  const wiki = (...names: string[]) => path.join(place.workspace, 'wiki', ...names);
  expect(await edit('librarian', wiki('acme', 'page.md'))).toMatchObject({ decision: 'allow' });
  for (const file of [
    wiki('beta', 'page.md'),
    wiki('_global', 'page.md'),
    wiki('acme', '..', 'beta', 'page.md'),
    wiki('page.md'),
    path.join(checkout, 'src', 'a.txt'),
  ])
    expect([file, await edit('librarian', file)]).toEqual([
      file,
      expect.objectContaining({ decision: 'deny' }),
    ]);
  expect(
    await ask({
      brand: 'acme',
      role: 'verifier',
      tool: 'Edit',
      input: { file_path: 'src/a.txt' },
      cwd: checkout,
    }),
  ).toMatchObject({ decision: 'deny' });
});

test('[C3] the ordinary work of an executor is allowed', async () => {
  for (const [tool, input] of [
    ['Read', { file_path: path.join(checkout, 'test.sh') }],
    ['Edit', { file_path: path.join(checkout, 'src', 'a.txt') }],
    ['Write', { file_path: 'src/new/ünï code.txt' }],
    ['write_file', { path: 'src/./b.txt', content: 'brands/acme: /etc/passwd tickets.jsonl' }],
    ['Bash', { command: 'npm test | tee /tmp/out; git add -A && git commit -m done' }],
    ['Grep', { pattern: 'x', path: checkout }],
  ] as const)
    expect([tool, await executor(tool, input)]).toEqual([
      tool,
      expect.objectContaining({ decision: 'allow' }),
    ]);
});
