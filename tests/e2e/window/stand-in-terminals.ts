import { WebSocketServer } from 'ws';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { serveTerminal } from '../../../src-main/app/terminal-channel.ts';
import { fail, ok } from '../../../src-main/contract/errors.ts';
import type { BrandId, RunId } from '../../../src-main/contract/ids.ts';
import type { TerminalSize, TerminalView } from '../../../src-main/contract/terminals.ts';
import { lineOf } from '../../../src-main/hosts/terminal-line.ts';
import { createTerminals } from '../../../src-main/services/terminals/index.ts';
import { createFakePty } from '../../../src-main/services/terminals/testing/fake-pty.ts';

/** Terminals of a stand-in: the core's own sessions and channel, with the fake shell behind them. */
export function standInTerminals(session: string) {
  const terminals = createTerminals({
    ptys: createFakePty(),
    after(ms, fn) {
      const timer = setTimeout(fn, ms);
      return () => clearTimeout(timer);
    },
  });
  const views = new Map<RunId, TerminalView>();
  const sockets = new WebSocketServer({ noServer: true });
  let opened = 0;
  return {
    list: (brand: string | undefined) =>
      [...views.values()].filter((view) => brand === undefined || view.brand === brand),
    open(brand: BrandId, repository: string, size: TerminalSize) {
      const id = `R-${brand}-desk${++opened}` as RunId;
      const view = {
        id,
        brand,
        repository,
        openedAt: new Date().toISOString(),
        notes: ['Agents here: gemini, claude.'],
        ...size,
      };
      views.set(id, view);
      const launch = { file: '/bin/sh', args: [], environment: {}, cwd: '/', size };
      terminals.open(id, launch, () => views.delete(id));
      return ok(view);
    },
    close(id: RunId) {
      views.delete(id);
      const hold = terminals.attach(id, {
        begin: () => hold?.write(Buffer.from('\x03exit\r')),
        data: (bytes) => hold?.acknowledge(bytes.length),
        size: () => undefined,
        ended: () => undefined,
        dropped: () => undefined,
      });
      return hold ? ok({ id }) : fail('not-found', `There is no terminal ${id}.`);
    },
    /** Takes over a connection to the terminals' path; its first frame must hold the session. */
    accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
      sockets.handleUpgrade(request, socket, head, (opened) =>
        opened.once('message', (data: Buffer) => {
          const hello = JSON.parse(data.toString('utf8')) as { session?: string };
          if (hello.session !== session) return opened.close(4401);
          serveTerminal(terminals, lineOf(opened));
          opened.send(JSON.stringify({ type: 'welcome', session }));
        }),
      );
    },
  };
}
