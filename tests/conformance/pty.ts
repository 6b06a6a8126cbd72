import { describe, expect, test } from 'vitest';
import type { Pty, PtyExit, PtyPort } from '../../src-main/services/terminals/index.ts';

/** A shell in a PTY, with what it wrote. */
interface Shell {
  pty: Pty;
  /** Resolves when everything that was written holds this. */
  shows(text: string): Promise<string>;
  type(text: string): void;
  exit: Promise<PtyExit>;
  seen(): string;
}

/** What every PTY port must do; the program in it is a shell with the prompt `$ `. */
export function ptyConformance(name: string, port: PtyPort): void {
  const open = (): Shell => {
    const pty = port.spawn({
      file: '/bin/sh',
      args: ['-i'],
      environment: { PS1: '$ ', GIVEN: 'as given' },
      cwd: '/',
      size: { columns: 80, rows: 24 },
    });
    let text = '';
    const waiting = new Set<() => void>();
    pty.onData((bytes) => {
      text += Buffer.from(bytes).toString('utf8');
      for (const look of waiting) look();
    });
    return {
      pty,
      shows: (wanted) =>
        new Promise((resolve) => {
          const look = () => {
            if (!text.includes(wanted)) return;
            waiting.delete(look);
            resolve(text);
          };
          waiting.add(look);
          look();
        }),
      type: (typed) => pty.write(Buffer.from(typed)),
      exit: new Promise((resolve) => pty.onExit(resolve)),
      seen: () => text,
    };
  };

  describe(`PTY: ${name}`, () => {
    test('what is typed is echoed and carried out, and the end comes after all data', async () => {
      const shell = open();
      await shell.shows('$ ');
      shell.type('echo o""ne\r');
      await shell.shows('\r\no');
      shell.type('echo last words\rexit 3\r');
      expect(await shell.exit).toEqual({ code: 3, signal: 0 });
      expect(shell.seen()).toContain('\r\nlast words\r\n');
      shell.pty.write(Buffer.from('to nobody'));
      shell.pty.resize({ columns: 10, rows: 10 });
    });

    test('a change of size is seen inside', async () => {
      const shell = open();
      await shell.shows('$ ');
      shell.type('stty size\r');
      await shell.shows('24 80\r\n');
      shell.pty.resize({ columns: 132, rows: 43 });
      shell.type('stty size\r');
      await shell.shows('43 132\r\n');
      shell.type('exit\r');
      await shell.exit;
    });

    test('Ctrl-C gives up the line', async () => {
      const shell = open();
      await shell.shows('$ ');
      shell.type('exit 9\x03');
      await shell.shows('^C\r\n$ ');
      shell.type('exit 4\r');
      expect(await shell.exit).toMatchObject({ code: 4 });
    });

    test('only the environment that is given is there', async () => {
      process.env['ATRIUM_CORES_OWN'] = 'the core has it';
      try {
        const shell = open();
        await shell.shows('$ ');
        shell.type('printenv GIVEN\rprintenv ATRIUM_CORES_OWN\rexit\r');
        await shell.exit;
        expect(shell.seen()).toContain('as given');
        expect(shell.seen()).not.toContain('the core has it');
      } finally {
        delete process.env['ATRIUM_CORES_OWN'];
      }
    });

    test('nothing comes while it is paused, and nothing is lost', async () => {
      const shell = open();
      await shell.shows('$ ');
      shell.pty.pause();
      shell.type('echo after all\r');
      const before = shell.seen();
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
      expect(shell.seen()).toBe(before);
      shell.pty.resume();
      await shell.shows('\r\nafter all\r\n');
      shell.type('exit\r');
      await shell.exit;
    });
  });
}
