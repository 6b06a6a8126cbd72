import { createRequire } from 'node:module';
import type * as Headless from '@xterm/headless';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunId } from '../../src-main/contract/ids.ts';
import { TERMINAL_PATH } from '../../src-main/contract/terminal-names.ts';
import { createPlainTerminal } from '../../src-main/hosts/cli/plain-terminal.ts';
import { viewTerminal, type TerminalViewer } from '../support/terminal-viewer.ts';
import { addBrand, held, makePlace } from '../support/workspace.ts';
import type { InProcessCore, TestPlace } from '../support/workspace.ts';
import { laySiege, loot, nodeProgram, type Siege } from './siege.ts';

const { Terminal } = createRequire(import.meta.url)('@xterm/headless') as typeof Headless;

/** A desk is a terminal: what its programs write is drawn by the operator's own, and what they start ends with it. */

const size = { columns: 100, rows: 30 };
let place: TestPlace;
let core: InProcessCore;
let siege: Siege;
const desks: Record<string, { id: RunId; viewer: TerminalViewer }> = {};

const open = async (brand: string) => {
  const { id } = held(await core.client.terminal.open({ brand: brand, ...size }));
  const viewer = viewTerminal(id, core.viewTerminal);
  await viewer.shows(`${brand} /work $`);
  desks[brand] = { id, viewer };
};
const desk = (brand: string) => {
  const found = desks[brand];
  if (found === undefined) throw new Error(`there is no desk of ${brand}`);
  return found;
};

beforeAll(async () => {
  place = makePlace();
  core = await place.open();
  siege = laySiege(core);
  for (const brand of ['label', 'beta']) {
    await addBrand(core.client, brand, place.repository(brand, { 'a.txt': `of ${brand}\n` }).path);
    await open(brand);
  }
});
afterAll(async () => {
  await siege.end();
  await core.close();
  place.remove();
});

/** What a terminal would answer with text: a colour, a setting, its title, its name, the clipboard; and where it stands. */
const QUESTIONS =
  '\u001b]0;touch evil\u0007\u001b]4;0;?\u0007\u001b]10;?\u0007\u001bP$qm\u001b\\\u001b[21t\u001b[>q\u001b]52;c;?\u0007\u0005\u001b[6n';

test('nobody answers for the operator but with numbers (terminal.answer-back)', async () => {
  const { viewer } = desk('label');
  const text = Buffer.from(QUESTIONS).toString('base64');
  viewer.type(
    `stty raw -echo; echo ${text} | base64 -d; IFS= read -r -d R got; stty sane; printf '%s' "$got" | od -An -c | tr -d ' \\n'; echo " an""swered"\r`,
  );
  const shown = await viewer.shows(' answered');
  expect(/(\S*) answered/.exec(shown)?.[1]).toMatch(/^033\[[0-9]+;[0-9]+$/);
  // The control: a terminal that is asked answers with text.
  const told: string[] = [];
  const terminal = new Terminal({ allowProposedApi: true });
  terminal.onData((answer) => void told.push(answer));
  await new Promise<void>((drawn) => terminal.write(QUESTIONS, drawn));
  expect(told.some((answer) => !/^\u001b\[[?>]?[0-9;]*\$?[Rncy]$/.test(answer))).toBe(true);
});

test('whoever looks later is sent a picture, and no string to the terminal (terminal.replay) (terminal.eight-bits)', async () => {
  const { id, viewer } = desk('label');
  const steer = `\u001b]52;c;ZXZpbA==\u0007\u001b]0;owned\u0007\u001b]8;;file:///etc\u0007link\u001b]8;;\u0007\u009d52;c;ZXZpbA==\u009c`;
  viewer.type(`echo ${Buffer.from(steer).toString('base64')} | base64 -d; echo " ste""ered"\r`);
  await viewer.shows(' steered');
  const sent: Buffer[] = [];
  const picture = new Promise<void>((begun) => {
    core.viewTerminal({
      send(message) {
        if (typeof message === 'string') return;
        sent.push(Buffer.from(message));
        begun();
      },
      listen: (onMessage) => onMessage(JSON.stringify({ type: 'attach', id, ...size })),
      close: () => undefined,
    });
  });
  await picture;
  const replayed = Buffer.concat(sent).toString('utf8');
  expect(replayed).toContain('steered');
  const strings = /\u001b[\]PX^_]|[\u0080-\u009f]/;
  expect(replayed).not.toMatch(strings);
  // The control: it is what the program wrote, and what the operator's own terminal gets is made plain.
  expect(steer).toMatch(strings);
  const plain = Buffer.from(createPlainTerminal()(Buffer.from(steer))).toString();
  expect([plain.includes('link'), strings.test(plain)]).toEqual([true, false]);
});

test('a desk finds nothing of another, and no run attaches to one (terminal.other-desk) (terminal.attach)', async () => {
  const { id, viewer } = desk('beta');
  viewer.type('echo of-the-desk-of-beta > note.txt; echo "lef""t"\r');
  await viewer.shows('\nleft');
  const note = path.join(place.workspace, 'checkouts', 'beta', 'desk-beta', 'note.txt');
  expect(readFileSync(note, 'utf8')).toContain('of-the-desk-of-beta');
  const shell = processesWith((pid) => readFileSync(`/proc/${pid}/environ`, 'latin1').includes('PS1=beta '));
  expect(shell.length).toBeGreaterThan(0);
  const mine = desk('label').viewer;
  mine.type(
    `cat ${note}; for p in ${shell.join(' ')}; do kill -9 $p; done; grep -al beta /proc/*/environ; grep -rs of-the-desk-of / --include=note.txt; echo "tri""ed"\r`,
  );
  const tried = await mine.shows('\ntried');
  expect(tried.split('\n').filter((line) => line.includes('of-the-desk-of-beta'))).toEqual([]);
  expect(shell.every((pid) => existsSync(`/proc/${pid}`))).toBe(true);
  expect(tried).not.toMatch(/^\/proc\/\d+\/environ$/m);

  const attempted = await siege.attack('label', {
    ...{ title: 'Attach', paths: ['x/**'], acceptance: ['true'] },
    command: nodeProgram(
      `import { connect } from 'node:net';
       const ask = (path) => new Promise((done) => {
         let said = '';
         const socket = connect(process.env.ATRIUM_SOCKET, () => socket.write('GET ' + path + ' HTTP/1.1\\r\\nhost: x\\r\\nconnection: Upgrade\\r\\nupgrade: websocket\\r\\nsec-websocket-version: 13\\r\\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n\\r\\n'));
         socket.on('data', (data) => { said += data; socket.end(); }).on('error', () => undefined).on('close', () => done(said.slice(9, 12)));
       });
       console.log('LOOT ' + JSON.stringify(await Promise.all(['${TERMINAL_PATH}', '/', '/ws', '/api/terminal/attach', '${TERMINAL_PATH}?id=${id}'].map(ask))));`,
      'exit 1',
    ),
  });
  expect(loot<string[]>(attempted).filter((status) => !['403', '404'].includes(status))).toEqual([]);
  // The control: at a door of the operator's the same id is attached to.
  await viewTerminal(id, core.viewTerminal).shows('left');
});

test('what it started ends with it, however it was started (terminal.left-behind)', async () => {
  const { id, viewer } = desk('label');
  const marked = () =>
    processesWith((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith('leftover-of-the-desk'));
  viewer.type(
    `setsid nohup bash -c 'exec -a leftover-of-the-desk sleep 1000' > /dev/null 2>&1 & (setsid bash -c 'trap "" TERM HUP; (exec -a leftover-of-the-desk sleep 1001) & wait' > /dev/null 2>&1 &) ; disown -a; until [ $(pgrep -fc '^leftover-of-the-desk') = 2 ]; do :; done; echo "star""ted"\r`,
  );
  await viewer.shows('started');
  // The control: while the desk is open they live.
  expect(marked()).toHaveLength(2);
  held(await core.client.terminal.close({ id }));
  await viewer.ended;
  expect(marked()).toEqual([]);
});

/** Processes of this machine of which something holds; those that are gone or closed to us are none. */
function processesWith(holds: (pid: string) => boolean): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && holds(pid);
    } catch {
      return false;
    }
  });
}
