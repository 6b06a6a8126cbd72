import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import { CommandId } from '../../contract/ids.ts';
import { refuse } from './failure.ts';

/** An id that the person typed, or the end of the command. */
export function idOf<S extends z.ZodType>(schema: S, given: string | undefined): z.output<S> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  refuse(
    'invalid-input',
    `"${given ?? ''}" is no id: ${parsed.error.issues[0]?.message ?? 'not valid'}.`,
    'See what there is with the list command.',
  );
}

/** A fresh id for a command: should its answer be lost, the core knows a repeat. */
export function freshCommandId(): CommandId {
  return CommandId.parse(randomUUID());
}
