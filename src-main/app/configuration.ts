import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { LineCounter, parseDocument, stringify, type Document } from 'yaml';
import type { z } from 'zod';
import {
  type AgentContract,
  BrandConfig,
  type BrandConfigInput,
  ContractFrontmatter,
  WorkspaceConfig,
} from '../contract/config.ts';
import { fail, ok, type Result } from '../contract/errors.ts';
import { contractProblems } from '../domain/contracts.ts';
import { plural } from '../domain/plural.ts';
import { writeFileAtomic } from './atomic-file.ts';

/**
 * Reads YAML or JSON text against a schema. A failure names the file, the line, what was read and what was expected.
 *
 * @param lineOffset lines of the file before the text, for frontmatter
 */
export function parseYaml<S extends z.ZodType>(
  text: string,
  file: string,
  schema: S,
  lineOffset = 0,
): Result<z.output<S>> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const lineAt = (offset: number) => lines.linePos(offset).line + lineOffset;
  const unreadable = (line: number, why: string) => {
    const read = text.split('\n')[line - lineOffset - 1]?.trim() ?? '';
    return fail(
      'invalid-file',
      `${file}, line ${line}: read ${shown(read)}, expected YAML: ${why}`,
      'mend that line and try again; nothing was changed',
    );
  };
  const broken = document.errors[0];
  if (broken) {
    const several = broken.code === 'MULTIPLE_DOCS';
    return unreadable(lineAt(broken.pos[0]), several ? 'One document in a file' : broken.message);
  }
  let value: unknown;
  try {
    value = document.toJS() ?? {};
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    return unreadable(lineAt(0), 'Aliases that repeat a few times, not without end');
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  // A field that does not exist is often why another is missing: a misspelt name is told first.
  const { issues } = parsed.error;
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  const path = issue
    ? [...issue.path, ...(issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [])]
    : [];
  const read = document.getIn(path, false);
  return fail(
    'invalid-file',
    `${file}, line ${lineAt(offsetOf(document, path))}: read ${path.join('.') || 'the document'} = ${shown(read)}, expected ${expectationOf(issue)}`,
    'mend that line and try again; nothing was changed',
  );
}

/** What a schema wanted, in words that stand behind "expected". */
export function expectationOf(issue: z.core.$ZodIssue | undefined): string {
  if (issue === undefined) return 'another shape';
  if (issue.code === 'unrecognized_keys')
    return 'no such field ("atrium schema" prints those that there are)';
  if (issue.code === 'invalid_type') return KINDS[issue.expected] ?? issue.expected;
  if (issue.code === 'too_big') return bounded('at most', issue.maximum, issue.origin);
  if (issue.code === 'too_small') return bounded('at least', issue.minimum, issue.origin);
  const wanted = /^[A-Z][a-z ]+: expected (.+)$/s.exec(issue.message)?.[1] ?? issue.message;
  return wanted.replace(/, received .*$/s, '');
}

const KINDS: Partial<Record<string, string>> = {
  string: 'text',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'fields with values',
};

function bounded(how: 'at most' | 'at least', bound: number | bigint, origin: string): string {
  if (origin === 'string') return `${how} ${plural(Number(bound), 'character')}`;
  if (origin === 'array') return `${how} ${plural(Number(bound), 'entry', 'entries')}`;
  return `${how} ${bound}`;
}

/** A value as a message quotes it: whole where it is short. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length <= LONGEST_QUOTE ? text : `${text.slice(0, LONGEST_QUOTE)}…`;
}

const LONGEST_QUOTE = 200;

function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let depth = path.length; depth > 0; depth -= 1) {
    const node: unknown = document.getIn(path.slice(0, depth), true);
    if (typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range))
      return Number(node.range[0]);
  }
  return document.contents?.range?.[0] ?? 0;
}

function readYamlFile<S extends z.ZodType>(file: string, schema: S): Result<z.output<S>> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return fail('invalid-file', `${file} cannot be read: ${reason(error)}`, 'restore it or make it readable');
  }
  return parseYaml(text, file, schema);
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function readWorkspaceConfig(file: string): Result<WorkspaceConfig> {
  return readYamlFile(file, WorkspaceConfig);
}

export function readBrandConfig(file: string): Result<BrandConfig> {
  return readYamlFile(file, BrandConfig);
}

export function writeBrandConfig(file: string, config: BrandConfigInput): void {
  writeFileAtomic(file, stringify(config));
}

/** Reads `agents/*.md`: every contract, each by itself and beside the others, or the first failure. */
export function readContracts(folder: string): Result<AgentContract[]> {
  if (!existsSync(folder))
    return fail(
      'invalid-file',
      `${folder} is missing: a workspace has its contracts there`,
      'restore it from git',
    );
  const contracts: AgentContract[] = [];
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith('.md')) continue;
    const contract = readContract(join(folder, name), name.slice(0, -3));
    if (!contract.ok) return contract;
    contracts.push(contract.value);
  }
  const [problem] = contractProblems(contracts);
  if (!problem) return ok(contracts);
  const { contract, field, expected } = problem;
  const file = join(folder, `${contract}.md`);
  const lines = readFileSync(file, 'utf8').split('\n');
  const line = lines.findIndex((text) => text.startsWith(`${field}:`));
  return fail(
    'invalid-file',
    `${file}, line ${line + 1}: read ${shown(lines[line]?.trim())}, expected ${expected}`,
    'mend that line and try again; nothing was changed',
  );
}

function readContract(file: string, name: string): Result<AgentContract> {
  const text = readFileSync(file, 'utf8');
  const match = /^---\r?\n([\s\S]*?)\r?\n---\r?\n?([\s\S]*)$/.exec(text);
  if (!match)
    return fail(
      'invalid-file',
      `${file}, line 1: read ${JSON.stringify(text.split('\n')[0] ?? '')}, expected frontmatter between two lines "---"`,
      'write the frontmatter again or restore the file',
    );
  const frontmatter = parseYaml(match[1] ?? '', file, ContractFrontmatter, 1);
  if (!frontmatter.ok) return frontmatter;
  if (frontmatter.value.name !== name)
    return fail(
      'invalid-file',
      `${file}, line 2: read name = ${JSON.stringify(frontmatter.value.name)}, expected "${name}" like the file`,
      'name the file and the contract alike',
    );
  return ok({
    ...frontmatter.value,
    instructions: (match[2] ?? '').trim(),
    digest: createHash('sha256').update(text).digest('hex'),
  });
}
