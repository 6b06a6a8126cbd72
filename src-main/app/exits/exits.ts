import { randomBytes } from 'node:crypto';
import { fingerprint, found } from '../../domain/fingerprint.ts';
import type { Brand } from '../brand.ts';
import { createCorpora, type Corpus } from './corpus.ts';

/** Where words leave a brand or enter it. */
export type Exit =
  | 'brief'
  | 'model request'
  | 'plan'
  | 'question'
  | 'note'
  | 'handoff'
  | 'result'
  | 'page'
  | 'search result'
  | 'commit';

/**
 * Looks for another brand's words in what goes to a brand or into the global wiki. A mark of any brand stops a text, and so do
 * passages of a sealed brand anywhere else, or of any brand in a sealed one. What both have on their branches is common
 * property.
 */
export interface Exits {
  /** Reads anew what brands are known by, where it changed. */
  refresh(): Promise<void>;
  /** Whose words a text holds that must not be in it; null where it may pass. Before the first reading nothing passes. */
  stopped(to: string, text: string): string | null;
  /** Resolves when the words of all brands have been read once. */
  ready(): Promise<void>;
  /** A mark and a passage that count among a brand's words and stand nowhere: for proofs. */
  canary(brand: string): { mark: string; passage: string };
}

/** Fourteen words in a row: shorter quotations happen. */
const WORDS_OF_SEALED = 3;
/** What enters a sealed brand may hold a phrase that is usual elsewhere; a paragraph is none. */
const WORDS_INTO_SEALED = 8;
/** Nothing longer is looked through. */
const LONGEST = 32 * 1024 * 1024;

export function createExits(brands: () => readonly Brand[]): Exits {
  const read = createCorpora();
  const canaries = new Map<string, { mark: string; passage: string }>();
  const canary: Exits['canary'] = (brand) => {
    const known = canaries.get(brand) ?? {
      mark: `atrium-canary-0123-${randomBytes(12).toString('hex')}`,
      passage: Array.from({ length: 20 }, () => `word${randomBytes(4).toString('hex')}`).join(' '),
    };
    canaries.set(brand, known);
    return known;
  };
  /** A brand that was closed since is still known by what it held. */
  let corpora: Map<string, Corpus & { sealed: boolean }> | null = null;
  let reading: Promise<void> | null = null;

  const readAll = async (): Promise<void> => {
    const next = new Map(corpora ?? []);
    for (const brand of brands()) {
      const corpus = await read(brand);
      const { mark, passage } = canary(brand.id);
      const all = [...corpus.all, fingerprint([mark, passage])];
      next.set(brand.id, { files: corpus.files, all, sealed: brand.config.sealed });
    }
    corpora = next;
  };

  const refresh = (): Promise<void> => {
    reading ??= readAll().finally(() => (reading = null));
    return reading;
  };

  return {
    canary,
    refresh,
    ready: () => (corpora === null ? refresh() : Promise.resolve()),
    stopped(to, text) {
      const sealed = new Map([...(corpora ?? [])].map(([id, known]) => [id, known.sealed]));
      for (const { id, config } of brands()) sealed.set(id, config.sealed);
      const others = [...sealed].filter(([id]) => id !== to);
      if (others.length === 0) return null;
      if (text.length > LONGEST) return 'it is too long to be looked through for the words of other brands';
      const intoSealed = sealed.get(to) ?? false;
      for (const [id, isSealed] of others) {
        const known = corpora?.get(id);
        if (known === undefined) return `the words of brand ${id} have not been read yet`;
        const common = [...(corpora ?? [])].flatMap(([of, { files }]) => (of === id ? [] : files));
        const { passages, marks } = found(text, known.all, common);
        const most = isSealed ? WORDS_OF_SEALED : intoSealed ? WORDS_INTO_SEALED : Infinity;
        if (marks > 0 || passages >= most) return `it holds words of brand ${id}, which stay there`;
      }
      return null;
    },
  };
}
