import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '..');

/** An import as it stands in a file: what kind does not matter, types count too. */
interface Import {
  file: string;
  /** As written. */
  specifier: string;
  /** Gone at run time. */
  typeOnly: boolean;
}

/** The room of a file, by its path from the root; undefined for a place that the architecture does not know. */
function roomOf(file: string): string | undefined {
  const service = /^src-main\/services\/([a-z-]+)\//.exec(file);
  if (service) return `services/${service[1]}`;
  const main = /^src-main\/(contract|domain|app|hosts)\//.exec(file);
  if (main) return main[1];
  if (file.startsWith('src-preload/')) return 'preload';
  if (file.startsWith('src-renderer/')) return 'renderer';
  return undefined;
}

const knownServices = [
  'event-store',
  'processes',
  'repositories',
  'sandbox',
  'gateway',
  'runtimes',
  'guard',
  'terminals',
  'wiki',
  'distill',
];

/** Rooms that a room may import, beside itself. */
function roomsFor(room: string): string[] {
  if (room === 'contract') return [];
  if (room === 'domain') return ['contract'];
  if (room.startsWith('services/')) return ['contract', 'domain'];
  if (room === 'app') return ['contract', 'domain', ...knownServices.map((name) => `services/${name}`)];
  if (room === 'hosts') return ['app', 'contract'];
  if (room === 'renderer') return ['contract', 'domain'];
  return [];
}

/** Tests, and what stands beside them for them alone. */
function isForTests(file: string): boolean {
  return /\.test\.tsx?$|\/testing\/|-(fixture|stand-in)\.ts$/.test(file);
}

/** Why a room may not import a package, or undefined. */
function packageFault(room: string, file: string, name: string): string | undefined {
  const isTest = isForTests(file);
  if (isTest && ['vitest', 'fast-check', 'typescript'].includes(name)) return undefined;
  const isNode = name.startsWith('node:') || builtinModules.includes(name);
  if (name === 'electron') {
    return room === 'preload' || file.startsWith('src-main/hosts/electron/')
      ? undefined
      : 'only hosts/electron and the preload import electron';
  }
  if (room === 'contract')
    return ['zod', '@orpc/contract'].includes(name) ? undefined : 'contract imports zod and @orpc/contract';
  if (room === 'domain') return isTest ? undefined : 'domain imports nothing but the contract';
  if (room === 'preload') return 'the preload imports nothing but electron';
  if (room === 'renderer') return isNode ? 'the renderer never imports Node' : undefined;
  return undefined;
}

function importsOf(file: string, text: string): Import[] {
  const source = ts.createSourceFile(
    file,
    text,
    ts.ScriptTarget.Latest,
    true,
    file.endsWith('x') ? ts.ScriptKind.TSX : ts.ScriptKind.TS,
  );
  const found: Import[] = [];
  const add = (node: ts.Node | undefined, typeOnly = false): void => {
    if (node !== undefined && ts.isStringLiteralLike(node))
      found.push({ file, specifier: node.text, typeOnly });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isErased(node.importClause));
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      add(node.argument.literal, true);
    else if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference)) {
      add(node.moduleReference.expression);
    } else if (ts.isCallExpression(node)) {
      const called = node.expression;
      const dynamic = called.kind === ts.SyntaxKind.ImportKeyword;
      const required = ts.isIdentifier(called) && called.text === 'require';
      const mocked = ts.isPropertyAccessExpression(called) && called.getText() === 'vi.importActual';
      if (dynamic || required || mocked) add(node.arguments[0]);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** `import type`, or nothing but `type` names. */
function isErased(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const names = clause.namedBindings;
  return (
    clause.name === undefined &&
    names !== undefined &&
    ts.isNamedImports(names) &&
    names.elements.every((each) => each.isTypeOnly)
  );
}

/** What an import breaks, as a sentence; undefined when it may be. */
function faultOf({ file, specifier }: Import): string | undefined {
  const room = roomOf(file);
  if (room === undefined) return `${file} stands in no room of the architecture`;
  if (room.startsWith('services/') && !knownServices.includes(room.slice('services/'.length))) {
    return `${file} stands in a service that the architecture does not know`;
  }
  if (!specifier.startsWith('.')) {
    const name = specifier.startsWith('@')
      ? specifier.split('/').slice(0, 2).join('/')
      : specifier.startsWith('node:')
        ? specifier
        : (specifier.split('/')[0] ?? '');
    const fault = packageFault(room, file, name);
    return fault === undefined ? undefined : `${file} imports ${specifier}: ${fault}`;
  }
  const target = path.posix.join(path.posix.dirname(file), specifier);
  if (target.startsWith('tests/support/') && isForTests(file)) return undefined;
  if (/^resources\//.test(target)) return undefined;
  const to = roomOf(target);
  if (to === undefined) return `${file} imports ${specifier}, which stands in no room`;
  if (to === room || roomsFor(room).includes(to)) return undefined;
  return `${file} imports ${specifier}: ${room} may not import ${to}`;
}

/** Files of the repository, committed or about to be. */
function files(...patterns: string[]): string[] {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z', '--', ...patterns], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return listed.split('\0').filter((file) => file !== '' && existsSync(path.join(root, file)));
}

const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const sources = files('src-main', 'src-preload', 'src-renderer').filter(
  (file) => /\.tsx?$/.test(file) && !file.endsWith('.d.ts'),
);
const imports = sources.flatMap((file) => importsOf(file, read(file)));

/** A cycle among the edges, as the path round it; undefined where there is none. */
function cycleOf(edges: Map<string, Set<string>>): string[] | undefined {
  const done = new Set<string>();
  const walk = (at: string, above: string[]): string[] | undefined => {
    if (above.includes(at)) return [...above.slice(above.indexOf(at)), at];
    if (done.has(at)) return undefined;
    for (const next of edges.get(at) ?? []) {
      const found = walk(next, [...above, at]);
      if (found) return found;
    }
    done.add(at);
    return undefined;
  };
  for (const start of edges.keys()) {
    const found = walk(start, []);
    if (found) return found;
  }
  return undefined;
}

function edgesBetween(name: (file: string) => string | undefined, among: Import[]): Map<string, Set<string>> {
  const edges = new Map<string, Set<string>>();
  for (const { file, specifier } of among) {
    if (!specifier.startsWith('.')) continue;
    const from = name(file);
    const to = name(path.posix.join(path.posix.dirname(file), specifier));
    if (from === undefined || to === undefined || from === to) continue;
    edges.set(from, (edges.get(from) ?? new Set()).add(to));
  }
  return edges;
}

describe('who may import whom', () => {
  test('there is something to check', () => {
    expect(sources.length).toBeGreaterThan(50);
    expect(imports.length).toBeGreaterThan(200);
  });

  test('every import is one that ARCHITECTURE.md allows', () => {
    expect(imports.map(faultOf).filter((fault) => fault !== undefined)).toEqual([]);
  });

  test('no cycle goes through the rooms', () => {
    expect(cycleOf(edgesBetween(roomOf, imports))).toBeUndefined();
  });

  test('no file imports itself by a way round, types aside', () => {
    const values = imports.filter(({ typeOnly }) => !typeOnly);
    expect(cycleOf(edgesBetween((file) => file, values))).toBeUndefined();
  });

  test.each([
    [
      'a service that imports another',
      'src-main/services/wiki/x.ts',
      "import { a } from '../guard/index.ts';",
    ],
    ['a type from the wrong room', 'src-main/domain/x.ts', "import type { A } from '../app/index.ts';"],
    ['an import inside a type', 'src-main/domain/x.ts', "type A = import('../app/index.ts').A;"],
    ['an import at run time', 'src-main/contract/x.ts', "void import('../domain/index.ts');"],
    ['a require', 'src-main/domain/x.ts', "require('node:fs');"],
    ['a clock or I/O in the domain', 'src-main/domain/x.ts', "import 'node:fs';"],
    ['an export from elsewhere', 'src-main/services/wiki/x.ts', "export * from '../../app/index.ts';"],
    ['electron outside its folder', 'src-main/hosts/core/x.ts', "import { app } from 'electron';"],
    ['Node in the window', 'src-renderer/x.ts', "import { readFileSync } from 'node:fs';"],
    [
      'a service in the window',
      'src-renderer/x.ts',
      "import { a } from '../src-main/services/wiki/index.ts';",
    ],
    ['a service in a host', 'src-main/hosts/cli/x.ts', "import { a } from '../../services/wiki/index.ts';"],
    ['a folder nobody knows', 'src-main/services/misc/x.ts', "import { z } from 'zod';"],
    ['a room nobody knows', 'src-main/things/x.ts', "import { z } from 'zod';"],
  ])('is refused: %s', (_what, file, text) => {
    expect(importsOf(file, text).map(faultOf)).toEqual([expect.stringContaining(file)]);
  });

  test('a cycle is found', () => {
    const among = [
      { file: 'src-main/domain/a.ts', specifier: './b.ts', typeOnly: false },
      { file: 'src-main/domain/b.ts', specifier: './a.ts', typeOnly: false },
    ];
    expect(cycleOf(edgesBetween((file) => file, among))).toEqual(
      expect.arrayContaining(['src-main/domain/a.ts']),
    );
  });
});

describe('what the repository holds', () => {
  test('no file is a drawer', () => {
    const drawers = sources.filter((file) => /(^|\/)(utils?|helpers?|common|misc|shared)(\.|\/)/.test(file));
    expect(drawers).toEqual([]);
  });

  test('no text names a path of one machine, or a folder beside the repository', () => {
    const named = /\/work\/(main|shared)\b|(?<!\.)\.\.\/shared\b|\/tmp\/team\b/;
    const own = 'tests/architecture.test.ts';
    const found = files('.')
      .filter((file) => file !== own && file !== 'package-lock.json' && !/\.(woff2|png|ico|db)$/.test(file))
      .filter((file) => named.test(read(file)));
    expect(found).toEqual([]);
  });

  test('no dependency is asked for by a range', () => {
    const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
    const versions = Object.values({ ...manifest['dependencies'], ...manifest['devDependencies'] });
    expect(versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });
});
