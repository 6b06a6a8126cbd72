import { z } from 'zod';

const id = z.union([z.string().max(100), z.number()]);

/** A message of the RPC protocol as its client writes it: a call, an item of what it streams, or that it gives up. */
const CallFrame = z.union([
  z.object({
    i: id,
    t: z.literal(1).optional(),
    p: z.object({
      u: z.string().startsWith('/').max(2_000),
      h: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
      m: z.string().max(20).optional(),
    }),
  }),
  z.object({ i: id, t: z.literal(3), p: z.record(z.string(), z.unknown()) }),
  z.object({ i: id, t: z.literal(4) }),
]);

/** Whether what a browser sent is a message that the RPC handler can read: it answers nothing to any other, and logs it. */
export function isCallFrame(data: unknown): boolean {
  if (typeof data !== 'string') return false;
  try {
    return CallFrame.safeParse(JSON.parse(data)).success;
  } catch {
    return false;
  }
}
