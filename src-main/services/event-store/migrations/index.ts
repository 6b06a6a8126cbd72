import { events } from './0001-events.ts';
import type { Migration } from './migration.ts';

export type { Migration } from './migration.ts';

/** Every migration in order; new ones go at the end. */
export const migrations: readonly Migration[] = [events];
