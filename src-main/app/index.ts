import type { AnyRouter } from '@orpc/server';
import { ok, type Result } from '../contract/errors.ts';
import type { LayerParts } from './layers/layer-parts.ts';
import { createHandlers } from './handlers/index.ts';
import { serveTerminal, type TerminalLine } from './terminal-channel.ts';
import { openWorkspace, type WorkspaceOptions } from './open-workspace.ts';

export { initWorkspace } from './workspace.ts';
export type { CallContext } from './handlers/index.ts';
export type { TerminalLine } from './terminal-channel.ts';
export type { WorkspaceOptions as AppOptions } from './open-workspace.ts';

/** The core of one workspace, without its doors. */
export interface App {
  /** The operator's contract as one door serves it. */
  router(door: 'cli' | 'browser' | 'window'): AnyRouter;
  /** Serves a viewer of a terminal; only for lines with the operator at the other end. */
  serveTerminal(line: TerminalLine): void;
  /** Whether something is in hand that must not be cut short. */
  busy(): boolean;
  onIdle(listener: () => void): () => void;
  close(): Promise<void>;
}

/**
 * Composes the services into a core. Fails as data where the workspace cannot be opened.
 * @param made what the four layers are made of; only tests give another, to show what one layer less lets through
 */
export async function createApp(options: WorkspaceOptions, made?: LayerParts): Promise<Result<App>> {
  const opened = await openWorkspace(options, made);
  if (!opened.ok) return opened;
  const workspace = opened.value;
  const handlers = createHandlers(workspace);
  return ok({
    router: () => handlers,
    serveTerminal: (line) => serveTerminal(workspace.terminals, line),
    busy: () => workspace.busy(),
    onIdle: (listener) => workspace.onIdle(listener),
    close: () => workspace.close(),
  });
}
