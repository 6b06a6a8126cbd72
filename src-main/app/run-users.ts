import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { BrandId } from '../contract/ids.ts';
import { writeFileAtomic } from './atomic-file.ts';

/** Far above the users that systems and containers give out, below what a signed number holds. */
const FIRST = 2_000_000_000;
/** Each workspace has a hundred of its own. */
const WORKSPACES = 1_000_000;
const BRANDS = 100;

const Allocation = z.record(z.string(), z.number().int());

/**
 * The user that a brand's runs become when the core is root: one a brand, kept in the state folder. Null when the core is not
 * root: the walls need no other user then.
 *
 * @throws Error where a workspace has more than a hundred brands
 */
export function runUser(
  places: { workspace: string; state: string },
  brand: BrandId,
): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const file = join(places.state, 'run-users.json');
  const known = readAllocation(file);
  let index = known[brand];
  if (index === undefined) {
    const taken = new Set(Object.values(known));
    index = Array.from({ length: BRANDS }, (_, n) => n).find((n) => !taken.has(n));
    if (index === undefined)
      throw new Error(`A workspace has at most ${BRANDS} brands where its core is root.`);
    writeFileAtomic(file, JSON.stringify({ ...known, [brand]: index }), 0o600);
  }
  const digest = createHash('sha256').update(places.workspace).digest().readUInt32BE(0);
  const id = FIRST + (digest % WORKSPACES) * BRANDS + index;
  return { uid: id, gid: id };
}

function readAllocation(file: string): Record<string, number> {
  try {
    return Allocation.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw error;
  }
}
