import { randomBytes } from 'node:crypto';
import { chmod, chown, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { createModelForward, refuse } from './model-forward.ts';
import { readModelRoute } from './model-wire.ts';
import { createNetworkProxy, systemLookup } from './network-proxy.ts';
import { defaultLimits, GatewayFault } from './ports.ts';
import type { RunGateway, RunGatewayOptions, UsageTotals } from './ports.ts';
import { createRunRoutes, refusal, send } from './run-routes.ts';

/** Bytes of a socket's path on Linux, without the zero at its end. */
const socketPathBytes = 107;

/**
 * Opens the one socket of a run: its API, its network list and its models. Identity is the socket itself, so it is bound into this
 * run's sandbox and no other.
 *
 * @throws {GatewayFault} the path is too long for a socket, or the socket cannot be made or handed over
 */
export async function openRunGateway(options: RunGatewayOptions): Promise<RunGateway> {
  const socketPath = join(options.folder, `${randomBytes(8).toString('hex')}.sock`);
  const length = Buffer.byteLength(socketPath);
  if (length > socketPathBytes) {
    const message = `The run's socket ${socketPath} has ${length} bytes; a socket's path may have ${socketPathBytes}. Use a shorter folder.`;
    throw new GatewayFault('socket-path-too-long', message);
  }

  const limits = { ...defaultLimits, ...options.limits };
  const totals: UsageTotals = { calls: 0, inputTokens: 0, outputTokens: 0, cachedTokens: 0 };
  const routes = createRunRoutes({
    run: options.run,
    reports: options.reports,
    clock: options.clock,
    limits,
  });
  let recording = true;
  const models = createModelForward({
    models: options.models,
    allowModel: options.allowModel ?? (() => true),
    stopped: (text) => options.stopped(text),
    budget: () =>
      recording
        ? options.budget()
        : { allowed: false, reason: 'the usage of an earlier call could not be recorded.' },
    limits,
    onUsage: (usage) => {
      totals.calls += 1;
      totals.inputTokens += usage.inputTokens;
      totals.outputTokens += usage.outputTokens;
      totals.cachedTokens += usage.cachedTokens;
      try {
        options.onUsage(usage);
      } catch {
        recording = false;
      }
    },
  });
  const network = createNetworkProxy({
    network: options.network,
    allowHost: options.allowHost ?? (() => Promise.resolve({ allowed: true, reason: '' })),
    dns: options.dns ?? systemLookup,
    connectMs: limits.connectMs,
    onDecision: (decision) => options.onDecision(decision),
  });

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const target = request.url ?? '/';
    if (!target.startsWith('/')) return network.forward(request, response, target);
    const url = URL.canParse(`http://run${target}`) ? new URL(`http://run${target}`) : undefined;
    if (url?.pathname.startsWith('/api/') === true) return routes.handle(request, response, url.pathname);
    const model = url === undefined ? ({ kind: 'none' } as const) : readModelRoute(request.method ?? '', url);
    if (model.kind === 'open') return models.handle(model.route, request, response);
    if (model.kind === 'closed') {
      refuse(
        response,
        model.provider,
        403,
        `${url?.pathname ?? target} is not open to a run: only its model calls are.`,
      );
      return;
    }
    const { status, body } = refusal(
      'not-found',
      'There is nothing at this address.',
      'A run has /api/run/… and its models.',
    );
    send(response, status, body);
  };

  const work = createWorkCount();
  const server = createServer(
    {
      requestTimeout: limits.requestMs,
      headersTimeout: limits.requestMs,
      connectionsCheckingInterval: Math.min(1000, limits.requestMs),
    },
    (request, response) => {
      const done = work.begin();
      answer(request, response)
        .catch(() => {
          const { status, body } = refusal('fault', 'The core could not answer this.', 'Try again.');
          send(response, status, body);
        })
        .finally(done);
    },
  );
  server.on('connect', (request, socket, head) => {
    const done = work.begin();
    network
      .tunnel(request, socket, head)
      .catch(() => socket.destroy())
      .finally(done);
  });
  server.maxConnections = limits.connections;
  server.keepAliveTimeout = 75_000;
  await listen(server, socketPath, options.owner);

  return {
    socketPath,
    usage: () => ({ ...totals }),
    idle: () => work.idle(),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      network.close();
      await work.idle();
      models.close();
      await closed;
      await rm(socketPath, { force: true });
    },
  };
}

async function listen(
  server: Server,
  socketPath: string,
  owner: { uid: number; gid: number } | null,
): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(socketPath, () => {
        server.off('error', reject);
        resolve();
      });
    });
    await chmod(socketPath, 0o600);
    if (owner !== null) await chown(socketPath, owner.uid, owner.gid);
  } catch (error) {
    if (server.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
    throw new GatewayFault('socket-unusable', `The run's socket ${socketPath} cannot be opened.`, {
      cause: error,
    });
  }
}

/** Counts what is in hand. */
function createWorkCount(): { begin(): () => void; idle(): Promise<void> } {
  let inHand = 0;
  let waiting: (() => void)[] = [];
  return {
    begin() {
      inHand += 1;
      return () => {
        inHand -= 1;
        if (inHand > 0) return;
        const ready = waiting;
        waiting = [];
        for (const resolve of ready) resolve();
      };
    },
    idle: () => (inHand === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
  };
}
