// The CLI from a clone: sets the clone up, then runs the built CLI where the person stands.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { finished } from './child.mjs';
import { main, node, root, setup } from './setup.mjs';

await main(async () => {
  await setup();
  const child = spawn(node, [join(root, 'out/main/cli.js'), ...process.argv.slice(2)], {
    cwd: process.env.INIT_CWD ?? process.cwd(),
    stdio: 'inherit',
  });
  return finished(child);
});
