import { RepositoryFault } from './fault.ts';
import { BASE_INSIDE, CHECKOUT_INSIDE } from './ports.ts';
import type { SandboxedCommand } from './ports.ts';
import type { Room } from './room.ts';

/** Fills an empty folder: branch, commit, configuration, edge of history, whether objects are carried in. */
export const CREATE = `set -eu
cd ${CHECKOUT_INSIDE}
ref=".git/refs/heads/$1"
mkdir -p "\${ref%/*}" .git/refs/tags .git/objects/info .git/objects/pack .git/info
printf '%s\\n' "$2" > "$ref"
printf 'ref: refs/heads/%s\\n' "$1" > .git/HEAD
printf '%s' "$3" > .git/config
[ -z "$4" ] || printf '%s\\n' "$4" > .git/shallow
printf '${BASE_INSIDE}\\n' > .git/objects/info/alternates
[ -z "$5" ] || base64 -d | git index-pack --stdin --fix-thin > .git/index-pack.out
rm -f .git/index-pack.out
exec git reset -q --hard
`;

/** Says how a checkout stands to its base. */
export const DESCRIBE = `set -eu
cd ${CHECKOUT_INSIDE}
git rev-list --count "$1..HEAD"
exec git status --porcelain=v2 -z --branch --no-renames --untracked-files=all
`;

/** The exit code that says that there was nothing new. */
export const NOTHING_NEW = 10;

/** Writes a bundle of what is beyond the base. */
export const BUNDLE = `set -eu
cd ${CHECKOUT_INSIDE}
git rev-parse -q --verify 'HEAD^{commit}' > /dev/null
[ "$(git rev-list --count "$1..HEAD")" != 0 ] || exit ${NOTHING_NEW}
exec git bundle create -q - HEAD "^$1"
`;

/** Commits what is not committed, as it is; ends with {@link NOTHING_NEW} where there is nothing. Its hooks are not asked. */
export const COMMIT = `set -eu
cd ${CHECKOUT_INSIDE}
git add -A
git diff --cached --quiet && exit ${NOTHING_NEW}
exec git -c core.hooksPath=/dev/null -c commit.gpgSign=false commit -q --no-verify -m "$1"
`;

/**
 * Brings a checkout from one commit to another: branch, the commit that it is at (any where it is empty), the other one, edge of
 * history. Ends with {@link NOTHING_NEW} where something is not committed or it is elsewhere. What is asked needs no commit but the other one.
 */
export const FORWARD = `set -eu
cd ${CHECKOUT_INSIDE}
ref="refs/heads/$1"
[ "$(cat .git/HEAD)" = "ref: $ref" ] || exit ${NOTHING_NEW}
at=$(git rev-parse -q --verify "$ref")
if [ "$at" != "$3" ]; then
  [ -z "$2" ] || [ "$at" = "$2" ] || exit ${NOTHING_NEW}
  git update-index -q --refresh > /dev/null || exit ${NOTHING_NEW}
  git diff-files --quiet || exit ${NOTHING_NEW}
  [ -z "$(git ls-files --others --exclude-standard)" ] || exit ${NOTHING_NEW}
fi
[ -z "$4" ] || printf '%s\\n' "$4" > .git/shallow
mkdir -p ".git/\${ref%/*}"
printf '%s\\n' "$3" > ".git/$ref"
exec git reset -q --hard
`;

/** Empties the folder; ends with {@link NOTHING_NEW}. */
export const EMPTY = `find ${CHECKOUT_INSIDE} -xdev -mindepth 1 -delete 2> /dev/null && exit ${NOTHING_NEW}
chmod -R u+rwX ${CHECKOUT_INSIDE} || true
find ${CHECKOUT_INSIDE} -xdev -mindepth 1 -delete || true
exit ${NOTHING_NEW}
`;

/**
 * Empties the folder at once where nothing is new; else makes one commit of what is not committed and of every other ref.
 * The first question is two calls of git, because most checkouts are removed with nothing new in them.
 */
export const SAVE = `set -eu
cd ${CHECKOUT_INSIDE}
nl='
'
state=$(git status --porcelain=v2 --branch --no-renames --untracked-files=normal)
refs=$(git for-each-ref --format='%(objectname)')
head=\${state#*branch.oid }
head=\${head%%"$nl"*}
new=
case "$state" in *"$nl"[12u?]" "*) new=yes;; esac
for id in $head $refs; do
  case " $1 $2 " in *" $id "*) ;; *) new=yes;; esac
done
[ -n "$new" ] || {
  ${EMPTY.replaceAll('\n', '\n  ')}
}
git rev-parse -q --verify "$head^{commit}" > /dev/null
export GIT_INDEX_FILE=${CHECKOUT_INSIDE}/.git/atrium-index
cp .git/index "$GIT_INDEX_FILE" 2> /dev/null || git read-tree HEAD
git add -A --ignore-errors > /dev/null 2>&1 || true
tree=$(git write-tree)
parents= count=0
for id in $refs; do
  case " $head $2 $parents " in *" $id "*) continue;; esac
  git rev-parse -q --verify "$id^{commit}" > /dev/null || continue
  count=$((count + 1)); [ $count -le 32 ] || break
  parents="$parents -p $id"
done
save=$head
if [ "$tree" != "$(git rev-parse 'HEAD^{tree}')" ] || [ -n "$parents" ]; then
  save=$(git commit-tree "$tree" -p "$head" $parents -m "$3")
fi
git update-ref refs/atrium/save "$save"
exec git bundle create -q - refs/atrium/save "^$1"
`;

/** The command that runs a script inside, in an environment of its own. */
export function inside(room: Room, script: string, args: string[]): string[] {
  const name = ['GIT_AUTHOR', 'GIT_COMMITTER'].flatMap((who) => [
    `${who}_NAME=Atrium`,
    `${who}_EMAIL=atrium@localhost`,
  ]);
  const date = `${Math.floor(room.clock().getTime() / 1000)} +0000`;
  const env = [
    'PATH=/usr/local/bin:/usr/bin:/bin',
    'HOME=/tmp',
    'LC_ALL=C',
    'GIT_CONFIG_NOSYSTEM=1',
    'GIT_CONFIG_GLOBAL=/dev/null',
    'GIT_OPTIONAL_LOCKS=0',
    'GIT_TERMINAL_PROMPT=0',
    ...name,
    `GIT_AUTHOR_DATE=${date}`,
    `GIT_COMMITTER_DATE=${date}`,
  ];
  return ['/usr/bin/env', '-i', ...env, '/usr/bin/sh', '-c', script, 'sh', ...args];
}

/** Why a command inside did not do what it must, in its own words. */
export function said(result: Awaited<ReturnType<SandboxedCommand>>): string {
  if (result.outcome === 'timeout') return 'it did not end in its time';
  if (result.outcome === 'output-limit') return 'it gave more than it may';
  const text = result.stderr.toString('utf8').trim().split('\n').slice(-2).join(' ').slice(0, 400);
  return text || `it ended with ${result.code ?? 'a signal'}`;
}

function quoteConfig(value: string): string {
  if (value.includes('\0')) throw new RepositoryFault('bad-argument', 'A name or address holds a zero byte.');
  return `"${value.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n')}"`;
}

/** The checkout's own configuration: no remotes, no clean-up of borrowed objects, and who commits. */
export function configOf(room: Room, identity: { name: string; email: string }): string {
  const other = room.objectFormat !== 'sha1';
  return [
    '[core]',
    `\trepositoryformatversion = ${other ? 1 : 0}`,
    '\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true',
    ...(other ? ['[extensions]', `\tobjectformat = ${room.objectFormat}`] : []),
    '[gc]\n\tauto = 0',
    '[user]',
    `\tname = ${quoteConfig(identity.name)}`,
    `\temail = ${quoteConfig(identity.email)}`,
    '',
  ].join('\n');
}
