import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { z } from 'zod';
import { parseYaml } from '../../app/configuration.ts';
import { refuse, valueOf } from './failure.ts';

/** All of stdin. */
export async function readStdin(): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

/**
 * Reads a file of YAML or JSON that the person named; `-` is stdin. A failure names the file, the line, what was read and
 * what was expected.
 */
export async function readInput<S extends z.ZodType>(file: string, schema: S): Promise<z.output<S>> {
  if (file === '-') return valueOf(parseYaml(await readStdin(), 'stdin', schema));
  let text: string;
  try {
    text = readFileSync(path.resolve(file), 'utf8');
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    refuse(
      'invalid-file',
      `${file} cannot be read: ${detail}.`,
      'Name a file of YAML or JSON, or - for stdin.',
    );
  }
  return valueOf(parseYaml(text, file, schema));
}
