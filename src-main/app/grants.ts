import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import type { BrandConfig } from '../contract/config.ts';
import { fail, ok, type Result } from '../contract/errors.ts';

/** Shorter values could not be told from other text. */
const SHORTEST = 8;
/** A line of a longer secret is one by itself from this length on. */
const SHORTEST_LINE = 16;
const LONGEST = 64 * 1024;
const OTHERS_MAY = 0o077;

/** The secrets that one run is given: what it finds in its environment, and what takes them out of everything that it says. */
export interface Grants {
  environment: Record<string, string>;
  /** A text with each secret replaced by its name in brackets. */
  scrub(text: string): string;
  /** Everything in a value that is text, scrubbed. */
  scrubAll<T>(value: T): T;
  /** For a text that comes in pieces: a secret that is split over two is found too. `rest` gives what was held back. */
  pieces(): { push(text: string): string; rest(): string };
}

/** Names that a brand has no secret for, as a refusal; null where it has all. */
export function unknownGrant(brand: BrandConfig, names: readonly string[]): ReturnType<typeof fail> | null {
  const unknown = names.find((name) => brand.secrets[name] === undefined);
  if (unknown === undefined) return null;
  const known = Object.keys(brand.secrets).join(', ') || 'none';
  return fail(
    'invalid-input',
    `brand ${brand.id} has no secret "${unknown}"`,
    `it has: ${known}; name it in its brand.yaml under secrets, or leave the grant out`,
  );
}

/**
 * Reads the secrets of a brand that a run was granted. A failure names the secret and never its value.
 *
 * @param environment what the core was started with
 */
export function readGrants(
  brand: BrandConfig,
  names: readonly string[],
  environment: NodeJS.ProcessEnv,
): Result<Grants> {
  const unknown = unknownGrant(brand, names);
  if (unknown) return unknown;
  const values: Record<string, string> = {};
  for (const name of names) {
    const source = brand.secrets[name];
    if (source === undefined) continue;
    const read = 'env' in source ? ok(environment[source.env] ?? '') : readSecretFile(name, source.file);
    if (!read.ok) return read;
    const value = read.value.replace(/\r?\n$/, '');
    if (value.length < SHORTEST || value.includes('\0'))
      return fail(
        'invalid-file',
        `the secret ${name} of brand ${brand.id} is ${value === '' ? 'empty' : 'not usable'}: it needs at least ${SHORTEST} characters, none of them NUL`,
        'env' in source ? `set ${source.env} where the core is started` : `write it into ${source.file}`,
      );
    values[name] = value;
  }
  return ok(grantsOf(values));
}

function readSecretFile(name: string, file: string): Result<string> {
  const unusable = (why: string) =>
    fail(
      'invalid-file',
      `the secret ${name} cannot be read from ${file}: ${why}`,
      'mend the file or its name',
    );
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) return unusable('it is no plain file');
    if ((stats.mode & OTHERS_MAY) !== 0)
      return unusable('others than its owner may read or change it (chmod 600)');
    if (stats.size > LONGEST) return unusable(`it is longer than ${LONGEST} bytes`);
    return ok(readFileSync(descriptor, 'utf8'));
  } catch (error) {
    return unusable((error as NodeJS.ErrnoException).code ?? 'it cannot be opened');
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function grantsOf(values: Record<string, string>): Grants {
  const needles = Object.entries(values)
    .flatMap(([name, value]) =>
      [
        value,
        JSON.stringify(value).slice(1, -1),
        ...inBase64(value),
        Buffer.from(value).toString('hex'),
        encodeURIComponent(value),
        ...value.split(/\r?\n/).filter((line) => line.length >= SHORTEST_LINE),
      ].map((text) => ({ text, name })),
    )
    .sort((a, b) => b.text.length - a.text.length);
  const scrub = (text: string) =>
    needles.reduce((left, { text: secret, name }) => left.replaceAll(secret, `[${name}]`), text);
  const scrubAll = <T>(value: T): T => {
    if (typeof value === 'string') return scrub(value) as T;
    if (Array.isArray(value)) return value.map((each: unknown) => scrubAll(each)) as T;
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [key, scrubAll<unknown>(each)]),
    ) as T;
  };
  return {
    environment: values,
    scrub,
    scrubAll,
    pieces() {
      let held = '';
      return {
        push(text) {
          const all = scrub(held + text);
          const keep = Math.max(0, ...needles.map(({ text: secret }) => beginningAtEnd(all, secret)));
          held = all.slice(all.length - keep);
          return all.slice(0, all.length - keep);
        },
        rest() {
          const all = held;
          held = '';
          return all;
        },
      };
    },
  };
}

/** What stands of a secret in the middle of something longer in base64: where it begins decides between three forms, in two alphabets. */
function inBase64(value: string): string[] {
  return [0, 1, 2].flatMap((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(value)]);
    const [from, to] = [Math.ceil((before * 8) / 6), Math.floor((bytes.length * 8) / 6)];
    return [bytes.toString('base64').slice(from, to), bytes.toString('base64url').slice(from, to)];
  });
}

/** How many characters at the end of a text may be the beginning of a secret. */
function beginningAtEnd(text: string, secret: string): number {
  for (let length = Math.min(secret.length - 1, text.length); length > 0; length -= 1)
    if (text.endsWith(secret.slice(0, length))) return length;
  return 0;
}
