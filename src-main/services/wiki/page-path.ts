import { fail, ok } from '../../contract/errors.ts';
import type { Result } from '../../contract/errors.ts';

const LONGEST_PATH = 500;
const LONGEST_NAME = 200;
const DEEPEST = 12;

/**
 * Looks at a page's path before any file is touched: under `prefix`, plain names, `.md` at the end.
 *
 * @param prefix the workspace-relative folder that the store serves, say `wiki/label`
 * @returns the names below the prefix
 */
export function checkPagePath(path: string, prefix: string): Result<string[]> {
  const shown = JSON.stringify(path.length > 80 ? `${path.slice(0, 80)}…` : path);
  const refuse = (what: string, hint: string) =>
    fail('invalid-input', `The page path ${shown} ${what}.`, hint);
  const example = `Give a path like ${prefix}/page.md.`;
  if (/[\p{Cc}\p{Cs}]/u.test(path))
    return refuse('holds a control character', 'Use printable characters only.');
  if (path.includes('\\')) return refuse('holds a backslash', 'Separate folders with "/".');
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) return refuse('is absolute', example);
  const names = path.split('/');
  if (names.some((name) => name === '..' || name === '.')) return refuse('goes through "." or ".."', example);
  if (names.some((name) => name === '')) return refuse('has an empty name', example);
  if (names.some((name) => name.startsWith('.')))
    return refuse('has a hidden name', 'Begin names with another character.');
  if (!path.startsWith(`${prefix}/`)) return refuse(`is not in ${prefix}/`, example);
  if (!path.endsWith('.md')) return refuse('is no markdown page', 'End the name with ".md".');
  if (names.some((name) => Buffer.byteLength(name) > LONGEST_NAME)) {
    return refuse(`has a name of more than ${LONGEST_NAME} bytes`, 'Shorten the name.');
  }
  if (Buffer.byteLength(path) > LONGEST_PATH || names.length > DEEPEST) {
    return refuse(
      `is longer than ${LONGEST_PATH} bytes or ${DEEPEST} levels`,
      'Put the page nearer to the root.',
    );
  }
  return ok(names.slice(prefix.split('/').length));
}

/** What two names have in common on a file system that keeps no case. */
export function foldName(name: string): string {
  return name.normalize('NFC').toLowerCase();
}
