import { spawn } from '@lydell/node-pty';
import type { PtyPort } from './port.ts';

/** What a program finds as TERM unless its launch says otherwise. */
const TERM = 'xterm-256color';

/** PTYs of the operating system. */
export const nodePty: PtyPort = {
  spawn({ file, args, environment, cwd, size }) {
    const pty = spawn(file, args, {
      name: TERM,
      cols: size.columns,
      rows: size.rows,
      cwd,
      env: environment,
      encoding: null,
    });
    let over = false;
    return {
      pid: pty.pid,
      // With no encoding what comes and goes is bytes, whatever the package's types say.
      onData: (listener) => void pty.onData((data) => listener(data as unknown as Uint8Array)),
      onExit: (listener) =>
        void pty.onExit(({ exitCode, signal }) => {
          over = true;
          listener({ code: exitCode, signal: signal ?? 0 });
        }),
      write(bytes) {
        if (!over) pty.write(Buffer.from(bytes) as unknown as string);
      },
      resize({ columns, rows }) {
        if (!over) pty.resize(columns, rows);
      },
      pause: () => pty.pause(),
      resume: () => pty.resume(),
    };
  },
};
