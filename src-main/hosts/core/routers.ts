import type { ContractRouterClient } from '@orpc/contract';
import { createRouterClient, implement } from '@orpc/server';
import type { AnyRouter } from '@orpc/server';
import type { CoreFile } from '../../contract/host-api.ts';
import { hostApi } from '../../contract/host-api.ts';
import type { Result } from '../../contract/errors.ts';
import { operatorApi } from '../../contract/operator-api.ts';
import type { CallContext } from '../../app/index.ts';

/** What only the process knows and the workspace's handlers do not. */
export interface Host {
  workspace: string;
  core(): CoreFile;
  openBrowserDoor(port: number | undefined): Promise<Result<{ url: string; port: number }>>;
  /** Begins the orderly end; returns at once. */
  stop(): void;
}

/** The operator's contract as a door serves it: the workspace's handlers, and the two answers that the process gives. */
export function operatorRouter(app: AnyRouter, host: Host): AnyRouter {
  const api = implement(operatorApi).$context<CallContext>();
  return {
    ...app,
    status: api.status.handler(async ({ context }) => {
      const client = createRouterClient(app, { context }) as ContractRouterClient<typeof operatorApi>;
      const status = await client.status({});
      if (!status.ok) return status;
      const { pid, socket, url } = host.core();
      return {
        ok: true as const,
        value: { ...status.value, core: { pid, socket, ...(url === undefined ? {} : { url }) } },
      };
    }),
    stopCore: api.stopCore.handler(() => {
      host.stop();
      return { ok: true as const, value: {} };
    }),
  };
}

/** What the operator's socket speaks beside it. */
export function hostRouter(host: Host): AnyRouter {
  const api = implement(hostApi).$context<CallContext>();
  return {
    info: api.info.handler(() => ({ ...host.core(), workspace: host.workspace })),
    openBrowserDoor: api.openBrowserDoor.handler(({ input }) => host.openBrowserDoor(input.port)),
    stop: api.stop.handler(() => {
      host.stop();
      return {};
    }),
  };
}
