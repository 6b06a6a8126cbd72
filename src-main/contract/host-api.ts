import { oc } from '@orpc/contract';
import { z } from 'zod';
import { Failure } from './errors.ts';
import { operatorApi } from './operator-api.ts';

/** What the process that owns a workspace writes into `.atrium/core.json`, so that a door finds it. */
export const CoreFile = z.object({
  pid: z.number().int().positive(),
  /** The operator's Unix socket, by absolute path. */
  socket: z.string().min(1),
  /** Where the browser door is, while one is open; without a token. */
  url: z.string().optional(),
  startedAt: z.string(),
  version: z.string(),
});
export type CoreFile = z.infer<typeof CoreFile>;

/** Why a door is connected: what holds a `serve` or a window keeps the core alive, a command only while it lasts. */
export const DoorNeed = z.enum(['command', 'serve', 'window']);
export type DoorNeed = z.infer<typeof DoorNeed>;

const fallible = <T extends z.ZodType>(value: T) =>
  z.discriminatedUnion('ok', [
    z.object({ ok: z.literal(true), value }),
    z.object({ ok: z.literal(false), failure: Failure }),
  ]);

/** What is asked of the process rather than of the workspace. Served on the operator's socket and nowhere else. */
export const hostApi = {
  /** The core as it runs. */
  info: oc.input(z.object({})).output(CoreFile.extend({ workspace: z.string() })),
  /** Opens the browser door, or finds it open, and makes a fresh single-use address. It closes with the last `serve`. */
  openBrowserDoor: oc
    .input(z.object({ port: z.number().int().min(1).max(65_535).optional() }))
    .output(fallible(z.object({ url: z.string(), port: z.number().int() }))),
  /** Ends the core after its orderly shutdown; the answer comes before the end, the connection closes with it. */
  stop: oc.input(z.object({})).output(z.object({})),
};

/** Everything that the operator's own socket speaks. */
export const operatorSocketApi = { ...operatorApi, host: hostApi };
