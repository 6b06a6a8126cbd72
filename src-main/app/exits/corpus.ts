import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { fingerprint, type Fingerprint } from '../../domain/fingerprint.ts';
import { RepositoryFault, type Repository } from '../../services/repositories/index.ts';
import type { Brand } from '../brand.ts';

/** What a brand's words are known by. Only what is on its branches can be common property with another brand. */
export interface Corpus {
  files: readonly Fingerprint[];
  all: readonly Fingerprint[];
}

/** What stands everywhere, or is nobody's words. */
const NOBODYS =
  /(^|\/)(licen[cs]e[^/]*|copying[^/]*|notice[^/]*|code_of_conduct[^/]*|\.gitignore|[^/]*lock[^/]*\.(json|ya?ml)|[^/]+\.lock|go\.sum|[^/]+\.(min\.(js|css)|map|svg))$/i;
const MOST_BYTES_OF_A_FILE = 256 * 1024;
const MOST_BYTES = 8 * 1024 * 1024;
const MOST_PAGES = 5_000;

/** Keeps what brands are known by, and reads anew what changed since. */
export function createCorpora(): (brand: Brand) => Promise<Corpus> {
  const kept = new Map<string, { mark: string; print: Fingerprint }>();
  const part = async (key: string, mark: string, read: () => AsyncIterable<string>): Promise<Fingerprint> => {
    const known = kept.get(key);
    if (known?.mark === mark) return known.print;
    const texts: string[] = [];
    for await (const text of read()) texts.push(text);
    const print = fingerprint(texts);
    kept.set(key, { mark, print });
    return print;
  };

  return async (brand) => {
    const files: Fingerprint[] = [];
    for (const repository of await brand.repositories()) {
      if (!repository.ok) continue;
      const { git, config } = repository.value;
      const key = `${brand.id} files ${config.name}`;
      const head = await headOf(git);
      if (head === null) {
        // Its folder cannot be read now: what it was known by stays known, and no other brand waits for it.
        const known = kept.get(key);
        if (known) files.push(known.print);
        continue;
      }
      files.push(
        await part(key, head, async function* () {
          const names = (await git.listFiles(head))
            .map(({ path }) => path)
            .filter((path) => !NOBODYS.test(path));
          yield* textsOf(names.map((name) => join(config.path, name)));
        }),
      );
    }
    const pages = pagesBelow(brand.places.wiki);
    const wiki = await part(`${brand.id} wiki`, pages.map(stampOf).join('\n'), () => textsOf(pages));
    const { position } = brand.store.head();
    const tickets = await part(`${brand.id} tickets`, String(position), async function* () {
      for (const { draft, comments } of brand.tickets.all()) {
        yield [draft.title, draft.description, draft.why, ...comments.map(({ text }) => text)].join('\n');
        await breathe();
      }
    });
    return { files, all: [...files, wiki, tickets] };
  };
}

/** The head of a repository's branch; null where it cannot be read. */
async function headOf(git: Repository): Promise<string | null> {
  try {
    return await git.head();
  } catch (error) {
    if (error instanceof RepositoryFault) return null;
    throw error;
  }
}

/** The operator's own files: an agent changes none of them. What is no text, or too long, has no fingerprint. */
async function* textsOf(paths: readonly string[]): AsyncGenerator<string> {
  let left = MOST_BYTES;
  for (const path of paths) {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!stat?.isFile() || stat.size > MOST_BYTES_OF_A_FILE || stat.size > left) continue;
    left -= stat.size;
    const text = readFileSync(path, 'utf8');
    if (!text.includes('\0')) yield text;
    await breathe();
  }
}

function pagesBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .sort()
      .slice(0, MOST_PAGES)
      .map((name) => join(folder, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function stampOf(path: string): string {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return `${path} ${stat?.size ?? 0} ${stat?.mtimeMs ?? 0}`;
}
