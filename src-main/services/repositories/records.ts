import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readIfThere } from './room.ts';
import type { Room } from './room.ts';

const CheckoutRecord = z.object({
  folder: z.string(),
  commit: z.string(),
  branch: z.string(),
  baseObjects: z.string(),
  /** The commit that it is being brought to. */
  forward: z.string().optional(),
});

/** What the host remembers of a checkout. It lies where no agent can write. */
export type CheckoutRecord = z.infer<typeof CheckoutRecord>;

function folderOf(room: Room): string {
  return join(room.stateDir, 'checkouts');
}

function fileOf(room: Room, folder: string): string {
  return join(folderOf(room), `${createHash('sha256').update(folder).digest('hex').slice(0, 32)}.json`);
}

/** Remembers a checkout. */
export async function writeRecord(room: Room, record: CheckoutRecord): Promise<void> {
  await mkdir(folderOf(room), { recursive: true });
  const file = fileOf(room, record.folder);
  await writeFile(`${file}.new`, JSON.stringify(record));
  await rename(`${file}.new`, file);
}

/** What is remembered of the checkout in a folder; null where nothing is. */
export async function readRecord(room: Room, folder: string): Promise<CheckoutRecord | null> {
  const text = await readIfThere(fileOf(room, folder));
  return text === null ? null : CheckoutRecord.parse(JSON.parse(text));
}

/** Every checkout that is remembered. */
export async function listRecords(room: Room): Promise<CheckoutRecord[]> {
  const names = (await readdir(folderOf(room)).catch((): string[] => [])).filter((name) =>
    name.endsWith('.json'),
  );
  const found: CheckoutRecord[] = [];
  for (const name of names) {
    const text = await readIfThere(join(folderOf(room), name));
    if (text !== null) found.push(CheckoutRecord.parse(JSON.parse(text)));
  }
  return found;
}

/** Forgets a checkout. */
export async function forgetRecord(room: Room, folder: string): Promise<void> {
  await rm(fileOf(room, folder), { force: true });
}
