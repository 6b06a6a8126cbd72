// `npm run check`: what `npm run typecheck` and `npm run lint` say, with each program's types worked out once for both.
import { ESLint } from 'eslint';
import { join, resolve } from 'node:path';
import ts from 'typescript';

const root = resolve(import.meta.dirname, '..');
/** Only compiled: what it holds is linted as part of the others, with the same types. */
const portable = 'tsconfig.portable.json';
const linted = ['tsconfig.node.json', 'tsconfig.web.json'];

const programs = linted.map(programOf);
const errors = [programOf(portable), ...programs].flatMap((program) => ts.getPreEmitDiagnostics(program));
if (errors.length > 0)
  process.stdout.write(
    ts.formatDiagnostics(errors, {
      getCurrentDirectory: () => root,
      getCanonicalFileName: (name) => name,
      getNewLine: () => '\n',
    }),
  );

const eslint = new ESLint({
  cwd: root,
  overrideConfig: [
    { files: ['**/*.{ts,tsx}'], languageOptions: { parserOptions: { programs, project: null } } },
  ],
});
const results = await eslint.lintFiles(['.']);
const formatter = await eslint.loadFormatter('stylish');
process.stdout.write(await formatter.format(results));
const isClean = results.every(({ errorCount, fatalErrorCount }) => errorCount + fatalErrorCount === 0);
process.exitCode = errors.length === 0 && isClean ? 0 : 1;

/** @param {string} name a configuration at the root */
function programOf(name) {
  const host = {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: (found) => {
      throw new Error(ts.flattenDiagnosticMessageText(found.messageText, '\n'));
    },
  };
  const parsed = ts.getParsedCommandLineOfConfigFile(join(root, name), {}, host);
  if (parsed === undefined || parsed.errors.length > 0)
    throw new Error(
      `${name} cannot be read: ${parsed?.errors.map((error) => ts.flattenDiagnosticMessageText(error.messageText, ' ')).join(' ')}`,
    );
  return ts.createProgram(parsed.fileNames, parsed.options);
}
