import { spawn as nodeSpawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { loadNativeSpawn, type NativeSpawn } from './index.ts';

const addon = resolve(import.meta.dirname, '../../../out/native/spawn.node');
const native = loadNativeSpawn(addon);
if (native === null) throw new Error(`${addon} was not built.`);

/** What every test here holds for: Node's own, and the one that takes its place. */
const kinds: [string, NativeSpawn][] = [
  [
    'Node’s own',
    (file, args, options) =>
      nodeSpawn(file, args, { ...options, stdio: [...options.stdio], detached: true }) as never,
  ],
  ['the native one', native],
];

const PIPES = ['pipe', 'pipe', 'pipe'] as const;
const at = { env: { PATH: '/usr/bin:/bin' }, cwd: '/' };

/** Runs a shell's text to its end: what it said, and how it ended. */
async function said(spawn: NativeSpawn, script: string, options: Partial<Parameters<NativeSpawn>[2]> = {}) {
  const child = spawn('/bin/sh', ['-c', script], { ...at, stdio: PIPES, ...options });
  child.stdin?.end();
  const closed = once(child, 'close');
  const [out, err] = await Promise.all([text(child.stdout as Duplex), text(child.stderr as Duplex)]);
  return { out, err, ended: await closed };
}

describe.each(kinds)('%s', (_name, spawn) => {
  test('gives back what was said on each stream, and the exit code', async () => {
    expect(await said(spawn, 'echo out; echo err >&2; exit 7')).toEqual({
      out: 'out\n',
      err: 'err\n',
      ended: [7, null],
    });
  });

  test('tells by which signal it ended', async () => {
    expect((await said(spawn, 'kill -9 $$')).ended).toEqual([null, 'SIGKILL']);
    const child = spawn('/bin/sleep', ['1000'], { ...at, stdio: PIPES });
    expect(child.kill('SIGTERM')).toBe(true);
    expect(await once(child, 'close')).toEqual([null, 'SIGTERM']);
    expect([child.exitCode, child.signalCode, child.kill('SIGTERM')]).toEqual([null, 'SIGTERM', false]);
  });

  test('is given exactly the environment, the folder and the arguments that were named', async () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'atrium-spawn-')));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const child = spawn('/usr/bin/env', ['sh', '-c', 'pwd; printf "[%s]" "$@"; env', 'sh', '', 'ü \n"'], {
      env: { PATH: '/usr/bin:/bin', ODD: 'x=y \n', EMPTY: '' },
      cwd: folder,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [where, first, ...rest] = (await text(child.stdout as Duplex)).split('\n');
    expect([where, first, rest[0]?.slice(0, 2)]).toEqual([folder, '[][ü ', '"]']);
    const environment = rest.join('\n');
    expect(environment).toContain('ODD=x=y \n');
    expect(environment).toContain('EMPTY=\n');
    expect(environment).not.toContain('HOME=');
  });

  test('leads a session of its own, with every signal let through and at its default', async () => {
    const { out } = await said(
      spawn,
      'cut -d" " -f1,5,6 /proc/$$/stat; grep -E "^Sig(Blk|Ign)" /proc/self/status',
    );
    const [ids, ...masks] = out.trim().split('\n');
    expect(new Set(ids?.split(' ')).size).toBe(1);
    expect(masks.map((line) => line.split('\t')[1])).toEqual(Array(2).fill('0000000000000000'));
  });

  test('reads what is written to it, to its end', async () => {
    const child = spawn('/usr/bin/wc', ['-c'], { ...at, stdio: PIPES });
    child.stdin?.end(Buffer.alloc(3_000_000, 'x'));
    expect(await text(child.stdout as Duplex)).toBe('3000000\n');
  });

  test('says much without losing any of it, also when it has ended long before it is read', async () => {
    const child = spawn('/bin/sh', ['-c', 'head -c 60000 /dev/zero'], { ...at, stdio: PIPES });
    const [exited, closed] = [once(child, 'exit'), once(child, 'close')];
    let size = 0;
    child.stdout?.on('data', (chunk: Buffer) => (size += chunk.length));
    await exited;
    await closed;
    expect(size).toBe(60_000);
    expect((await said(spawn, 'head -c 5000000 /dev/zero')).out).toHaveLength(5_000_000);
  });

  test('has further descriptors, both ways, and those of this process that it is given', async () => {
    const given = openSync(addon, 'r');
    onTestFinished(() => closeSync(given));
    const child = spawn('/bin/sh', ['-c', 'cat <&3 >&4; head -c 4 <&6 | tail -c 3; ls /proc/self/fd'], {
      ...at,
      stdio: [...PIPES, 'pipe', 'pipe', 'ignore', given],
    });
    (child.stdio[3] as Duplex).end('three');
    const [four, out] = await Promise.all([text(child.stdio[4] as Duplex), text(child.stdout as Duplex)]);
    expect([four, out.slice(0, 3)]).toEqual(['three', 'ELF']);
  });

  test('says why it could not be started, and stays usable', async () => {
    for (const [file, cwd, code] of [
      ['/no/such/program', '/', 'ENOENT'],
      ['/bin/sh', '/no/such/folder', 'ENOENT'],
      ['/etc/passwd', '/', 'EACCES'],
    ] as const) {
      const child = spawn(file, ['-c', 'true'], { env: {}, cwd, stdio: PIPES });
      const [error] = (await once(child, 'error')) as [NodeJS.ErrnoException];
      expect([error.code, child.pid]).toEqual([code, undefined]);
    }
    expect((await said(spawn, 'echo still')).out).toBe('still\n');
  });

  test('many at once all end, with children of Node’s own among them, and leave no process and no descriptor', async () => {
    const descriptors = () => readdirSync('/proc/self/fd').length;
    await said(spawn, 'true');
    const before = descriptors();
    const codes = Array.from({ length: 60 }, (_, n) => n);
    const ended = await Promise.all(
      codes.flatMap((code) => [
        said(spawn, `sleep 0.0${code % 7}; exit ${code}`).then(({ ended: [end] }) => end as number),
        once(nodeSpawn('/bin/sh', ['-c', `exit ${code}`]), 'close').then(([end]) => end as number),
      ]),
    );
    expect(ended).toEqual(codes.flatMap((code) => [code, code]));
    expect(descriptors()).toBe(before);
    expect(readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim()).toBe('');
  });
});

describe('the native one', () => {
  test('passes on no descriptor but those that were named, however this process came by it', async () => {
    const { out: without } = await said(native, 'ls /proc/self/fd');
    const child = nodeSpawn(
      process.execPath,
      [
        '--no-warnings',
        '--input-type=module',
        '-e',
        `import { text } from 'node:stream/consumers';
         import { loadNativeSpawn } from ${JSON.stringify(join(import.meta.dirname, 'index.ts'))};
         const child = loadNativeSpawn(${JSON.stringify(addon)})('/bin/ls', ['/proc/self/fd'], { env: {}, cwd: '/', stdio: ['ignore', 'pipe', 'ignore'] });
         process.stdout.write(await text(child.stdout));`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit', 'pipe', 'pipe', 'pipe', 'pipe'] },
    );
    expect((await text(child.stdout as never)).trim().split('\n')).toEqual(without.trim().split('\n'));
  });

  test.runIf(process.getuid?.() === 0)('lets who it becomes open its pipes again by their path', async () => {
    const script =
      'setpriv --reuid 51234 --regid 51234 --clear-groups sh -c "echo out > /dev/stdout; echo err > /dev/stderr"';
    const owner = { uid: 51_234, gid: 51_234 };
    expect(await said(native, script, { owner })).toEqual({ out: 'out\n', err: 'err\n', ended: [0, null] });
    // The control: whose pipes stay this process's cannot.
    expect((await said(native, script)).out).toBe('');
  });

  test('keeps the process alive until its child was reaped, and no longer', async () => {
    const child = nodeSpawn(
      process.execPath,
      [
        '--no-warnings',
        '--input-type=module',
        '-e',
        `import { once } from 'node:events';
         import { loadNativeSpawn } from ${JSON.stringify(join(import.meta.dirname, 'index.ts'))};
         const child = loadNativeSpawn(${JSON.stringify(addon)})('/bin/sh', ['-c', 'exit 3'], { env: {}, cwd: '/', stdio: ['ignore', 'ignore', 'ignore'] });
         const [code] = await once(child, 'close');
         console.log('ended with', code);`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const ended = once(child, 'close');
    expect(await text(child.stdout as never)).toBe('ended with 3\n');
    expect(await ended).toEqual([0, null]);
  });

  test('refuses a text with a NUL in it, which the program would see cut short', () => {
    expect(() => native('/bin/echo', ['a\0b'], { ...at, stdio: PIPES })).toThrow(TypeError);
  });

  test('is not there where it was not built', () => {
    expect(loadNativeSpawn('/no/such/file.node')).toBeNull();
  });
});
