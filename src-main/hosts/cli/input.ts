import { createReadStream } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import type { z } from 'zod';
import { parseYaml } from '../../app/configuration.ts';
import { CommandFailure, refuse, valueOf } from './failure.ts';

/** The most that a command reads of a file or of stdin, in bytes. */
const LARGEST_INPUT = 16 * 1024 * 1024;

/** All of stdin. */
export function readStdin(): Promise<string> {
  return readAll(process.stdin, 'stdin');
}

async function readAll(stream: Readable, name: string): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of stream) {
    size += (part as Buffer).length;
    if (size > LARGEST_INPUT)
      refuse(
        'invalid-file',
        `${name} is larger than 16 MiB.`,
        'Name a file of YAML or JSON, or - for stdin.',
      );
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts).toString('utf8');
}

/**
 * Reads a file of YAML or JSON that the person named; `-` is stdin. A failure names the file, the line, what was read and
 * what was expected.
 */
export async function readInput<S extends z.ZodType>(file: string, schema: S): Promise<z.output<S>> {
  const text = file === '-' ? await readStdin() : await readNamed(file);
  return valueOf(parseYaml(text, file === '-' ? 'stdin' : file, schema));
}

async function readNamed(file: string): Promise<string> {
  try {
    return await readAll(createReadStream(path.resolve(file)), file);
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? '';
    const detail = REASONS[code] ?? (error instanceof Error ? error.message : String(error));
    refuse(
      'invalid-file',
      `${file} cannot be read: ${detail}.`,
      'Name a file of YAML or JSON, or - for stdin.',
    );
  }
}

const REASONS: Partial<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'you may not read it',
};
