import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { atrium, makeWorkspace } from '../../support/doors.ts';
import type { TestWorkspace } from '../../support/doors.ts';

interface Failed {
  error: { code: string; message: string; hint: string };
}

let workspace: TestWorkspace;

beforeAll(async () => {
  workspace = await makeWorkspace();
});
afterAll(() => workspace.remove());

const failure = (code: string): Failed => ({
  error: { code, message: expect.stringMatching(/\S/) as string, hint: expect.any(String) as string },
});

describe('every failure with --json is one JSON value and the exit code that belongs to it', () => {
  test.each([
    ['an unknown command', ['nonsense'], 2, 'usage'],
    ['an unknown option', ['status', '--nonsense'], 2, 'usage'],
    ['no command', [], 2, 'usage'],
    ['half a command', ['ticket'], 2, 'usage'],
    ['a missing argument', ['ticket', 'show'], 2, 'usage'],
    ['too many arguments', ['ticket', 'show', 'T-a-1', 'T-a-2'], 2, 'usage'],
    ['a bad value', ['ticket', 'list', '--state', 'done'], 2, 'usage'],
    ['a phase that is none', ['start', '--phase', '9'], 2, 'usage'],
    ['no hash', ['ticket', 'approve', 'T-a-1'], 2, 'usage'],
    ['two approvals at once', ['ticket', 'approve', 'T-a-1', 'T-a-2', '--hash', 'x'], 1, 'invalid-input'],
    ['what is no id', ['ticket', 'show', 'seven'], 1, 'invalid-input'],
    [
      'a file that is not there',
      ['ticket', 'draft', '--brand', 'a', '--file', 'nowhere.yaml'],
      1,
      'invalid-file',
    ],
    ['a ticket that is not there', ['ticket', 'show', 'T-none-1'], 1, 'not-found'],
    ['a brand that is not there', ['brand', 'show', 'none'], 1, 'not-found'],
    ['a run that is not there', ['run', 'show', 'R-0000-0000'], 1, 'not-found'],
  ])('%s', async (_what, args, exit, code) => {
    const { code: got, value, stderr } = await workspace.json(args);
    expect(value).toEqual(failure(code));
    expect(got).toBe(exit);
    expect(stderr).toBe('');
  });

  test('a calendar moved to no instant is told, not passed over', async () => {
    const { code, value } = await workspace.json(['status'], { env: { ATRIUM_NOW: 'yesterday' } });
    expect(value).toEqual(failure('usage'));
    expect(code).toBe(2);
  });

  test('without --json it is one line on stderr', async () => {
    const { code, stdout, stderr } = await workspace.run(['ticket', 'show', 'seven']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

test.each(
  [
    'brand seal',
    'batch create',
    'batch list',
    'batch show',
    'batch archive',
    'sling',
    'template list',
    'template show',
    'template apply',
    'formula cook',
    'formula pour',
    'formula burn',
    'formula squash',
    'checkpoint save',
    'checkpoint list',
    'checkpoint restore',
    'mail send',
    'mail list',
    'mail read',
    'distill gather',
    'distill route',
    'distill run',
    'wiki lint',
    'wiki reindex',
    'rehearse',
  ].map((command) => [command]),
)('%s says that it is not built', async (command) => {
  const { code, value } = await workspace.json<Failed>([
    ...command.split(' '),
    'anything',
    '--scenario',
    'x',
  ]);
  expect(code).toBe(1);
  expect(value).toEqual(failure('not-built'));
});

test.each([['submit plan'], ['submit result'], ['submit verdict'], ['mcp'], ['ask']])(
  '%s is a run’s: outside of one it says so',
  async (command) => {
    const { code, value } = await workspace.json<Failed>([...command.split(' '), 'anything']);
    expect(code).toBe(1);
    expect(value).toEqual(failure('not-authorized'));
  },
);

describe('which workspace', () => {
  test('the option, the environment, the nearest parent, in this order', async () => {
    const other = await makeWorkspace();
    try {
      const inside = path.join(other.path, 'brands', 'deep');
      await mkdir(inside, { recursive: true });
      const where = async (args: string[], env: Record<string, string> = {}): Promise<string> => {
        const { stdout } = await atrium(['status', '--json', ...args], { cwd: inside, env });
        return (JSON.parse(stdout) as { workspace: string }).workspace;
      };
      expect(await where([])).toBe(other.path);
      expect(await where([], { ATRIUM_WORKSPACE: workspace.path })).toBe(workspace.path);
      expect(await where(['--workspace', '../..'], { ATRIUM_WORKSPACE: workspace.path })).toBe(other.path);
    } finally {
      await other.remove();
    }
  });

  test('the default one is named when there is no other', async () => {
    const { code, stdout } = await atrium(['status', '--json'], {
      cwd: workspace.around,
      env: { HOME: workspace.around },
    });
    expect(code).toBe(3);
    expect((JSON.parse(stdout) as Failed).error.message).toContain(path.join(workspace.around, 'Atrium'));
  });

  test('options stand before or after the command', async () => {
    const before = await atrium(['--json', '--workspace', workspace.path, 'ticket', 'list']);
    const between = await atrium(['ticket', '--json', '--workspace', workspace.path, 'list']);
    const after = await atrium(['ticket', 'list', '--json', '--workspace', workspace.path]);
    expect([before, between, after].map(({ stdout }) => stdout)).toEqual(['[]\n', '[]\n', '[]\n']);
  });
});

describe('init', () => {
  test('makes a workspace, says what it made, and does not touch a folder that is in use', async () => {
    const folder = path.join(workspace.around, 'second');
    const made = await atrium(['init', folder, '--json']);
    expect(JSON.parse(made.stdout)).toEqual({ workspace: folder, brands: [] });
    expect(existsSync(path.join(folder, 'workspace.yaml'))).toBe(true);
    const again = await atrium(['init', folder, '--json']);
    expect(again.code).toBe(1);
    expect(JSON.parse(again.stdout)).toEqual(failure('already-exists'));
  });
});

describe('a draft that is not valid', () => {
  test.each([
    ['a misspelt field', 'title: One\ndescripton: x\n', /ticket\.yaml, line 2.*descripton/],
    ['a wrong value', 'title: One\n\npriority: urgent\n', /ticket\.yaml, line 3.*"urgent".*expected/],
    ['no YAML', 'title: One\n\tpaths: x\n', /ticket\.yaml, line 2.*expected YAML/],
    ['no title', 'description: x\n', /ticket\.yaml, line 1.*title/],
  ])('names the file, the line, what was read and what was expected: %s', async (_what, text, expected) => {
    const file = path.join(workspace.around, 'ticket.yaml');
    await writeFile(file, text);
    const { code, value } = await workspace.json<Failed>([
      'ticket',
      'draft',
      '--brand',
      'label',
      '--file',
      file,
    ]);
    expect(code).toBe(1);
    expect(value.error.code).toBe('invalid-file');
    expect(value.error.message).toMatch(expected);
  });

  test('is read from stdin with -', async () => {
    const stdin = '{"title": 7}';
    const { value } = await workspace.json<Failed>(['ticket', 'draft', '--brand', 'label', '--file', '-'], {
      stdin,
    });
    expect(value.error.message).toMatch(/stdin, line 1.*7/);
  });
});

describe('guard check', () => {
  test.each(['', 'no json', '{"brand": ', '[]', '{"brand": "label"}'])(
    'malformed input is a deny: %s',
    async (stdin) => {
      const { code, value } = await workspace.json<{ decision: string }>(['guard', 'check'], { stdin });
      expect(code).toBe(0);
      expect(value).toEqual({
        decision: 'deny',
        rule: expect.any(String) as string,
        reason: expect.any(String) as string,
        layer: expect.any(String) as string,
      });
    },
  );
});

describe('schema', () => {
  test('writes the JSON Schemas of what a person writes', async () => {
    const folder = path.join(workspace.around, 'schemas');
    const { code, value } = await workspace.json<{ files: string[] }>(['schema', '--out', folder]);
    expect(code).toBe(0);
    const draft = JSON.parse(await readFile(path.join(folder, 'ticket-draft.schema.json'), 'utf8')) as {
      required: string[];
    };
    expect(draft.required).toEqual(['title']);
    expect(value.files).toHaveLength(6);
  });
});
