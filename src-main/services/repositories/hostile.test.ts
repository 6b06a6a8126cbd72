import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseBundle } from './intake.ts';
import type { Repository } from './repository.ts';
import { asAgent, IDENTITY, makeGround } from './testing/fixture.ts';
import type { Ground } from './testing/fixture.ts';

let ground: Ground;
let base: string;
let repository: Repository;
let folder: string;
let objects: string;
beforeEach(async () => {
  ground = makeGround();
  base = ground.commit({ 'a.txt': 'one\n', 'b/c.txt': 'two\n' });
  repository = await ground.open();
  folder = join(ground.root, 'checkout');
  const made = await repository.createCheckout({
    folder,
    commit: base,
    branch: 'atrium/T-a-1',
    identity: IDENTITY,
  });
  if (!made.ok) throw new Error(made.message);
  objects = made.baseObjects;
});
afterEach(() => ground.dispose());

const agent = (script: string) => asAgent(folder, objects, script);
const collect = (extra = {}) => repository.collect({ folder, base, attempt: 'T-a-1.1', ...extra });
const marker = () => join(ground.root, 'ran-on-the-host');

async function landed(script: string): Promise<string> {
  await agent(script);
  const collected = await collect();
  if (!collected.ok) throw new Error(collected.message);
  const { head } = collected;
  const merged = await repository.mergeTree(base, head);
  if (!merged.ok) throw new Error(merged.message);
  expect(await repository.land({ commit: head, expected: base, message: 'x' })).toMatchObject({ ok: true });
  return head;
}

describe('what an agent plants in its checkout', () => {
  test('runs nowhere on the host, whatever is asked of the checkout', async () => {
    await agent(`
      printf '#!/bin/sh\\ntouch ${marker()} /work/inside; cat\\n' > .git/evil; chmod +x .git/evil
      git config core.fsmonitor /work/.git/evil; git config core.hooksPath /work/.git/hooks
      git config filter.x.clean /work/.git/evil; git config filter.x.smudge /work/.git/evil
      git config diff.x.textconv /work/.git/evil; git config diff.external /work/.git/evil
      git config uploadpack.packObjectsHook /work/.git/evil; git config core.pager /work/.git/evil
      echo '* filter=x diff=x' > .gitattributes; echo more >> a.txt; git add -A; git commit -qam x; echo dirt >> a.txt`);
    await repository.describeCheckout(folder);
    expect(await collect()).toMatchObject({ ok: true, commits: 1 });
    expect(await repository.removeCheckout(folder)).toMatchObject({ ok: true });
    expect(existsSync(marker())).toBe(false);
  });

  test.each<[string, string]>([
    ['a link in place of .git', 'mv .git /work/moved; ln -s /etc .git'],
    ['a .git file that points elsewhere', 'rm -rf .git; echo "gitdir: /opt/atrium" > .git'],
    ['no .git', 'rm -rf .git'],
    ['objects borrowed from elsewhere', 'echo /nowhere > .git/objects/info/alternates'],
    [
      'a broken object',
      'echo x > x; git add x; git commit -qm x; f=$(find .git/objects -type f -path "*/??/*" | head -1); chmod +w $f; echo no > $f',
    ],
    ['a head of another history', 'git checkout -q --orphan o; git commit -qm o'],
  ])('%s is refused and stays', async (_name, script) => {
    await agent(script);
    const answer = await collect();
    expect(answer.ok).toBe(false);
    expect(['unreadable-checkout', 'not-descendant', 'bad-bundle']).toContain(answer.ok ? '' : answer.code);
    expect(readdirSync(join(repository.scratch, 'objects', 'pack'))).toEqual([]);
    expect(readdirSync(repository.scratch).filter((name) => name.startsWith('incoming'))).toEqual([]);
  });

  test('a checkout that cannot be saved stays until it is discarded', async () => {
    await agent('rm -rf .git; echo work > precious; mkdir locked; touch locked/x; chmod 000 locked');
    expect(await repository.removeCheckout(folder)).toMatchObject({ ok: false, code: 'not-saved' });
    expect(existsSync(join(folder, 'precious'))).toBe(true);
    expect(await repository.removeCheckout(folder, { discard: true })).toEqual({ ok: true, saved: null });
    expect(existsSync(folder)).toBe(false);
  });

  test('a link out of the checkout is not followed when it is removed', async () => {
    mkdirSync(join(ground.root, 'outside'));
    writeFileSync(join(ground.root, 'outside', 'precious'), 'x');
    symlinkSync(join(ground.root, 'outside'), join(folder, 'link'));
    expect(await repository.removeCheckout(folder)).toMatchObject({ ok: true });
    expect(existsSync(join(ground.root, 'outside', 'precious'))).toBe(true);
  });

  test('nothing new is said as such', async () => {
    expect(await collect()).toMatchObject({ ok: false, code: 'no-commits' });
  });

  test('more than may come out is refused, and so is what unfolds to more', async () => {
    await agent('head -c 3000000 /dev/urandom > noise; git add -A; git commit -qm noise');
    expect(await collect({ maxBytes: 1_000_000 })).toMatchObject({ ok: false, code: 'too-large' });
    await agent(
      `git reset -q --hard ${base}; head -c 50000000 /dev/zero > zeros; git add -A; git commit -qm zeros`,
    );
    expect(await collect({ maxBytes: 1_000_000 })).toMatchObject({ ok: false, code: 'too-large' });
    expect(await collect({ maxBytes: 1_000_000, maxUnpackedBytes: 60_000_000 })).toMatchObject({ ok: true });
  });

  test('trees that unfold without end are refused', async () => {
    await agent(`
      blob=$(echo x | git hash-object -w --stdin); entry="100644 blob $blob"
      for level in 1 2 3 4 5 6 7 8 9; do
        tree=$(for n in 0 1 2 3 4 5 6 7 8 9; do printf '%s\\tf%s\\n' "$entry" $n; done | git mktree); entry="040000 tree $tree"
      done
      git reset -q --soft $(git commit-tree $tree -p HEAD -m bomb)`);
    expect(await collect()).toMatchObject({ ok: false, code: 'too-large' });
  });

  test.each<[string, RegExp | null]>([
    ['.git', /hasDotgit/],
    ['.GIT', /hasDotgit/],
    ['.git ', /hasDotgit/],
    ['git~1', /hasDotgit/],
    ['.g\u200cit', /hasDotgit/],
    ['..', /hasDotdot/],
    ['.', /hasDot/],
    ['a/b', /fullPathname/],
    ['.gitx', null],
  ])('a path named %j passes only where it is harmless', async (name, reason) => {
    await agent(`
      blob=$(echo x | git hash-object -w --stdin)
      perl -e 'print "100644 $ARGV[0]\\0".pack("H*", $ARGV[1])' '${name}' $blob > /tmp/tree
      tree=$(git hash-object -w -t tree --literally /tmp/tree)
      git update-ref HEAD $(git commit-tree $tree -p HEAD -m x)`);
    const answer = await collect();
    if (reason === null) expect(answer).toMatchObject({ ok: true });
    else
      expect(answer).toMatchObject({ code: 'bad-bundle', message: expect.stringMatching(reason) as string });
  });

  test('a submodule whose address is an option is refused; an honest one is listed', async () => {
    const add = (url: string) => `
      printf '[submodule "x"]\\n\\tpath = x\\n\\turl = %s\\n' '${url}' > .gitmodules; git add .gitmodules
      git update-index --add --cacheinfo 160000,${base},x; git commit -qm x`;
    await agent(add('-u./evil'));
    expect(await collect()).toMatchObject({ ok: false, code: 'bad-bundle' });
    await agent(`git reset -q --hard ${base}; ${add('https://example.org/x')}`);
    const collected = await collect();
    if (!collected.ok) throw new Error(collected.message);
    expect(
      (await repository.changes(base, collected.head)).map(({ path, newMode }) => [path, newMode]),
    ).toEqual([
      ['.gitmodules', '100644'],
      ['x', '160000'],
    ]);
    expect(await repository.land({ commit: collected.head, expected: base, message: 'x' })).toMatchObject({
      ok: true,
    });
  });

  test('odd names of files and refs pass through as they are', async () => {
    await agent(`
      printf 1 > '-rf'; printf 2 > 'new
line'; printf 3 > 'tab	"quote"'; printf 4 > 'ünï'; git add -A; git commit -qm odd
      git update-ref 'refs/heads/-evil' HEAD; git update-ref 'refs/heads/a;b' HEAD; git tag -- --upload-pack=x 2>/dev/null || true`);
    const collected = await collect();
    if (!collected.ok) throw new Error(collected.message);
    expect((await repository.changes(base, collected.head)).map(({ path }) => path)).toEqual([
      ...['-rf', 'new\nline', 'tab\t"quote"', 'ünï'],
    ]);
    expect(
      execFileSync('git', [`--git-dir=${repository.scratch}`, 'for-each-ref', '--format=%(refname)'], {
        encoding: 'utf8',
      }),
    ).toBe('refs/atrium/attempts/T-a-1.1\n');
    expect(await repository.land({ commit: collected.head, expected: base, message: 'x' })).toMatchObject({
      ok: true,
    });
    expect(ground.operator(['status', '--porcelain'])).toBe('');
  });

  test('a name that is not UTF-8 is refused', async () => {
    await agent(`touch "$(printf 'a\\377')"; git add -A; git commit -qm x`);
    expect(await collect()).toMatchObject({ ok: false, code: 'bad-bundle' });
  });
});

describe("the operator's programs", () => {
  const evil = () => {
    const file = join(ground.root, 'evil.sh');
    writeFileSync(file, `#!/bin/sh\ntouch '${marker()}'\ncat\n`, { mode: 0o755 });
    return file;
  };

  test('are not picked by attributes that an agent committed', async () => {
    for (const scope of ['--local', '--global']) {
      for (const part of ['clean', 'smudge', 'process'])
        ground.operator(['config', scope, `filter.op=x.${part}`, evil()]);
      ground.operator(['config', scope, 'filter.op=x.required', 'true']);
      ground.operator(['config', scope, 'merge.op.driver', `${evil()} %A`]);
      ground.operator(['config', scope, 'diff.op.command', evil()]);
      ground.operator(['config', scope, 'diff.op.textconv', evil()]);
      ground.operator(['config', scope, 'core.fsmonitor', evil()]);
      ground.operator(['config', scope, 'core.pager', evil()]);
      ground.operator(['config', scope, 'gpg.program', evil()]);
      ground.operator(['config', scope, 'commit.gpgSign', 'true']);
    }
    const hooks = join(ground.host, '.git', 'hooks');
    mkdirSync(hooks, { recursive: true });
    for (const hook of [
      'reference-transaction',
      'post-checkout',
      'post-index-change',
      'post-merge',
      'pre-commit',
    ]) {
      writeFileSync(join(hooks, hook), readFileSync(evil()), { mode: 0o755 });
    }
    const head = await landed(`echo '* filter=op=x merge=op diff=op' > .gitattributes
      echo '* filter=op=x' > b/.gitattributes; echo more >> a.txt; git add -A; git commit -qm attributes`);
    await repository.diffText(base, head);
    expect(readFileSync(join(ground.host, 'a.txt'), 'utf8')).toBe('one\nmore\n');

    // Now the attributes are in the operator's own tree, and the next ticket meets them with a merge and dirty files.
    ground.write('b/c.txt', 'dirty\n');
    const reopened = await ground.open();
    const second = join(ground.root, 'second');
    const made = await reopened.createCheckout({
      folder: second,
      commit: head,
      branch: 'x',
      identity: IDENTITY,
    });
    if (!made.ok) throw new Error(made.message);
    await asAgent(second, made.baseObjects, 'echo again >> a.txt; git commit -qam again');
    const collected = await reopened.collect({ folder: second, base: head, attempt: 'T-a-2.1' });
    if (!collected.ok) throw new Error(collected.message);
    expect(await reopened.land({ commit: collected.head, expected: head, message: 'x' })).toMatchObject({
      ok: true,
    });
    expect(await reopened.soundness()).toMatchObject({ ok: true });
    expect(existsSync(marker())).toBe(false);
  });

  test('do not merge: attributes of a tree have no say, union least of all', async () => {
    await agent(`echo '* merge=union' > .gitattributes; echo agent > a.txt; git add -A; git commit -qm x`);
    const collected = await collect();
    if (!collected.ok) throw new Error(collected.message);
    const onto = ground.commit({ 'a.txt': 'operator\n', '.gitattributes': '* merge=union\n' });
    expect(await repository.mergeTree(onto, collected.head)).toMatchObject({
      code: 'conflict',
      conflicts: ['a.txt'],
    });
  });
});

test('a bundle is taken apart strictly', () => {
  const id = 'a'.repeat(40);
  const good = `# v2 git bundle\n-${id} base\n${id} HEAD\n\nPACKrest`;
  expect(parseBundle(Buffer.from(good))).toEqual({ head: id, pack: Buffer.from('PACKrest') });
  for (const bad of [
    '',
    good.replace('v2', 'v9'),
    good.replace('PACK', 'JUNK'),
    good.replace(`${id} HEAD`, `${id} HEAD\n${id} refs/heads/other`),
    good.replace(`${id} HEAD\n`, ''),
    good.replace(`${id} HEAD`, '--upload-pack=x HEAD'),
    good.replace(`-${id} base`, '@filter=blob:none'),
  ]) {
    expect(parseBundle(Buffer.from(bad))).toBeNull();
  }
});
