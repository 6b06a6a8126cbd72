import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { TicketDraft } from '../contract/tickets.ts';
import { parseYaml } from './configuration.ts';

const draft = (value: unknown): string => JSON.stringify({ title: 'T', ...(value as object) });

describe('a draft that is not one is told with its place, what was read and what was expected', () => {
  test.each<[string, string, RegExp]>([
    ['a field that is none', 'title: T\naceptance: [x]', /line 2: read aceptance = .*no such field/],
    [
      'a misspelt field before the one that it hides',
      'titel: T',
      /line 1: read titel = "T", expected no such/,
    ],
    ['no title', 'command: touch made', /line 1: read title = nothing, expected text/],
    ['an empty title', draft({ title: '  ' }), /title = " {2}", expected at least 1 character$/],
    [
      'a title of 10,000 characters',
      draft({ title: 'x'.repeat(10_000) }),
      /title = .*at most 200 characters$/,
    ],
    ['control characters', draft({ title: 'clear\u001b[2Jscreen' }), /control characters/],
    ['a line break in the title', draft({ title: 'one\ntwo' }), /control characters/],
    [
      'a path upwards',
      draft({ paths: ['a', '../other/**'] }),
      /paths\.1 = "\.\.\/other\/\*\*", expected a path relative/,
    ],
    ['an absolute path', draft({ paths: ['/etc/passwd'] }), /relative/],
    ['a path in place of a list', draft({ paths: 'notes.txt' }), /paths = "notes\.txt", expected a list/],
    ['a priority that is none', draft({ priority: 9 }), /priority = 9, expected at most 5/],
    ['half a priority', draft({ priority: 1.5 }), /priority = 1\.5, expected a whole number/],
    ['a runtime that is none', draft({ runtime: 'hal' }), /runtime = "hal", expected/],
    ['a host that is none', draft({ network: ['http://x/y'] }), /network\.0 = .*host name/],
    ['a negative cost cap', draft({ costCapUsd: -1 }), /costCapUsd = -1, expected at least 0/],
    ['an endless cost cap', 'title: T\ncostCapUsd: .inf', /line 2: read costCapUsd = .*expected a number/],
    ['a list', '[T]', /line 1: read the document = .*expected fields with values/],
    ['a text', 'T', /line 1: read the document = "T", expected fields/],
    ['nothing', '', /line 1: read title = nothing, expected text/],
    ['a tab for an indent', 'title: T\n\tcommand: x', /line 2: read "command: x", expected YAML: Tabs/],
    [
      'a field twice',
      'title: T\ntitle: U',
      /line 2: read "title: U", expected YAML: Map keys must be unique/,
    ],
    ['two documents', 'title: T\n---\ntitle: U', /line 2: read "---", expected YAML: One document in a file/],
    ['JSON with a comment', '{ // why\n"title": "T"}', /line 2: read \/\/ why .* expected no such field/],
    [
      'aliases that repeat without end',
      [
        'a: &a [x,x,x,x,x,x,x,x,x]',
        ...'bcdef'
          .split('')
          .map((name, n) => `${name}: &${name} [${Array(9).fill(`*${'abcde'[n]}`).join(',')}]`),
      ].join('\n'),
      /line 1: .*expected YAML: Aliases/,
    ],
  ])('%s', (_what, text, message) => {
    const parsed = parseYaml(text, 'draft.yaml', TicketDraft);
    if (parsed.ok) throw new Error('it was taken');
    expect(parsed.failure).toMatchObject({
      code: 'invalid-file',
      hint: expect.stringMatching(/./) as string,
    });
    expect(parsed.failure.message).toMatch(/^draft\.yaml, line \d/);
    expect(parsed.failure.message).toMatch(message);
    expect(parsed.failure.message.length).toBeLessThan(500);
  });
});

test('a byte order mark, other line ends, an alias, a comma too many: what YAML allows is read', () => {
  const schema = z.object({ title: z.string(), description: z.string() });
  for (const text of [
    '\ufefftitle: T\ndescription: T',
    'title: T\r\ndescription: T\r\n',
    'title: &t T\ndescription: *t',
    '{"title": "T", "description": "T",}',
  ])
    expect(parseYaml(text, 'draft.yaml', schema)).toEqual({
      ok: true,
      value: { title: 'T', description: 'T' },
    });
});
