// `npm start`: the window where Electron can run, else the browser door. Sets the clone up first.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { finished } from './child.mjs';
import { environment, main, node, root, setup } from './setup.mjs';

const args = process.argv.slice(2);

await main(async () => {
  await setup();
  const lack = lackOfElectron();
  if (lack === undefined && !args.includes('--browser')) {
    const electron = join(root, 'node_modules/electron/dist/electron');
    const code = await finished(spawn(electron, [root, ...workspaceSwitch()], started()));
    if (code === 0) return 0;
    process.stderr.write(`Electron ended with code ${code}: the browser door takes its place.\n`);
  } else if (lack !== undefined) {
    process.stderr.write(`${lack}: the browser door takes its place.\n`);
  }
  const own = args.filter((arg) => arg !== '--browser');
  return finished(spawn(node, [join(root, 'out/main/cli.js'), 'serve', '--create', ...own], started()));
});

function lackOfElectron() {
  if (!existsSync(join(root, 'node_modules/electron/dist/electron')))
    return "Electron's binary is not installed";
  const display = process.platform !== 'linux' || process.env.DISPLAY || process.env.WAYLAND_DISPLAY;
  return display ? undefined : 'There is no display for a window';
}

/** `--workspace DIR`, in the form that Electron reads. */
function workspaceSwitch() {
  const at = args.indexOf('--workspace');
  return at < 0 ? [] : [`--workspace=${args[at + 1]}`];
}

function started() {
  return { cwd: process.env.INIT_CWD ?? process.cwd(), env: environment(), stdio: 'inherit' };
}
