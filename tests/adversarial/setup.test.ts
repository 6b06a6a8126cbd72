import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addBrand, makePlace } from '../support/workspace.ts';
import type { InProcessCore, TestPlace, TestRepository } from '../support/workspace.ts';
import { laySiege, type Siege } from './siege.ts';

/** What setup makes is shared by tickets: one ticket must not be able to change what another finds. */

const LOCK = (version: number) => `${JSON.stringify({ name: 'shop', lockfileVersion: 3, version })}\n`;

let place: TestPlace;
let core: InProcessCore;
let siege: Siege;
let shop: TestRepository;

beforeAll(async () => {
  place = makePlace();
  shop = place.repository('shop', {
    'package.json': '{ "name": "shop" }\n',
    'package-lock.json': LOCK(1),
    '.gitignore': 'node_modules/\n',
    'setup.sh': 'mkdir -p node_modules/dep && echo good > node_modules/dep/index.js\n',
    'test.sh': 'cat node_modules/dep/index.js\n',
    'a.txt': 'one\n',
  });
  core = await place.open();
  siege = laySiege(core);
  await addBrand(core.client, 'acme', shop.path, { setup: 'sh setup.sh', test: 'sh test.sh' });
});
afterAll(async () => {
  await siege.end();
  await core.close();
  place.remove();
});

test('a run cannot write into the dependencies that it finds, nor take them away', async () => {
  const { output } = await siege.attack('acme', {
    title: 'Poison what is mounted',
    paths: ['poison/**'],
    command: `echo evil >> node_modules/dep/index.js; echo evil > node_modules/dep/new.js; rm -rf node_modules/dep
      ln -f node_modules/dep/index.js linked && echo evil >> linked; mv node_modules old; chmod -R a+w node_modules
      mkdir -p node_modules/.cache && echo mine > node_modules/.cache/mine && echo CACHE; cat node_modules/dep/index.js; exit 1`,
  });
  expect(output.trim().split('\n').slice(-2)).toEqual(['CACHE', 'good']);
  const { ticket } = await siege.attack('acme', {
    title: 'The next one finds them as they were',
    paths: ['a.txt'],
    acceptance: ['test "$(cat node_modules/dep/index.js)" = good && ! test -e node_modules/.cache/mine'],
    command: 'echo two >> a.txt',
  });
  expect(ticket).toMatchObject({ state: 'merged' });
});

test('a candidate that fails leaves no dependencies behind for an honest ticket with the same lockfile', async () => {
  const poisoned = await siege.attack('acme', {
    title: 'Poison the cache of a lockfile to come',
    command: `printf '%s' '${LOCK(2)}' > package-lock.json
      echo 'mkdir -p node_modules/dep && echo evil > node_modules/dep/index.js' > setup.sh; echo 'exit 1' > test.sh`,
  });
  expect(poisoned.ticket.attemptList[0]).toMatchObject({ state: 'failed' });
  const honest = await siege.attack('acme', {
    title: 'The honest update',
    acceptance: ['grep -qx good node_modules/dep/index.js'],
    command: `printf '%s' '${LOCK(2)}' > package-lock.json`,
  });
  expect(honest.ticket).toMatchObject({ state: 'merged' });
  const after = await siege.attack('acme', {
    title: 'The one after it',
    paths: ['a.txt'],
    acceptance: ['grep -qx good node_modules/dep/index.js'],
    command: 'cat node_modules/dep/index.js >> a.txt',
  });
  expect(after.ticket).toMatchObject({ state: 'merged' });
});

test('a link planted where dependencies are mounted leads no mount out, and no other ticket suffers', async () => {
  const planted = await siege.attack('acme', {
    title: 'Plant a link at the mount point',
    paths: ['node_modules'],
    acceptance: ['true'],
    runtime: 'scripted',
    command: JSON.stringify([
      {
        run: `git update-index --add --cacheinfo 120000,$(printf /etc | git hash-object -w --stdin),node_modules
          git commit -qm link; git ls-tree HEAD node_modules`,
      },
      { submit: 'honest' },
    ]),
  });
  expect(JSON.stringify(planted.lines)).toContain('120000 blob');
  expect(planted.ticket.state).toBe('blocked');
  expect(shop.git('ls-tree', 'main', 'node_modules')).toBe('');
  const { ticket } = await siege.attack('acme', {
    title: 'The next one',
    paths: ['a.txt'],
    acceptance: ['grep -qx good node_modules/dep/index.js'],
    command: 'echo three >> a.txt',
  });
  expect(ticket.state).toBe('merged');
});

test('what setup says that it made cannot lead out of its folder', async () => {
  const precious = path.join(place.workspace, 'checkouts', 'acme', 'precious');
  mkdirSync(precious);
  writeFileSync(path.join(precious, 'kept'), 'kept');
  const { ticket } = await siege.attack('acme', {
    title: 'Name a folder of somebody else',
    command: `printf '%s' '${LOCK(3)}' > package-lock.json
      cat > setup.sh <<'END'
mkdir -p node_modules/dep; echo good > node_modules/dep/index.js
printf '#!/bin/sh\\nprintf "?? ../precious/\\\\0!! ../../../.atrium/brands/\\\\0" > /proc/$PPID/fd/1; echo ran >> /work/node_modules/dep/ran\\n' > .git/watch
chmod +x .git/watch; git config core.fsmonitor /work/.git/watch
END
      cat > test.sh <<'END'
cat node_modules/dep/ran
exit 1
END`,
  });
  expect(readFileSync(path.join(precious, 'kept'), 'utf8')).toBe('kept');
  // The hook did run, inside the walls, while Atrium asked what setup had made.
  expect(JSON.stringify(ticket.artifacts.at(-1))).toContain('exit code 1: ran');
  expect(existsSync(path.join(place.workspace, '.atrium', 'brands', 'acme', 'brand.db'))).toBe(true);
});
