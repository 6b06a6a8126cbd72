import type { Mechanism } from './mechanism.ts';

/** A candidate that must not reach the branch. */
export interface GateAttack extends Mechanism {
  /** What is done in the checkout, by a shell. */
  run: string;
  paths: string[];
  /** What the gate says of it. */
  refused: RegExp;
  /** What ordinary git would have taken with it: matched on the raw difference of its tree, or on a line of `cat-file`. */
  carries: RegExp;
}

const commit = 'git add -A && git commit -qm change';
const own = ['src/**'];
const exits = ['exits'] as const;
const outside = /outside the ticket/;

const PATHS: GateAttack[] = [
  {
    id: 'paths.shell',
    family: 'state writes',
    tries: 'change a file outside its ticket by a shell, where no tool is asked',
    stoppedBy: exits,
    run: `echo more >> outside.txt; ${commit}`,
    paths: own,
    refused: outside,
    carries: /M\toutside\.txt/,
  },
  {
    id: 'paths.tickets-file',
    family: 'state writes',
    tries: 'write a ticket’s state into a file of the repository that is named like the export',
    stoppedBy: exits,
    run: `echo '{"state":"merged"}' > tickets.jsonl; ${commit}`,
    paths: own,
    refused: outside,
    carries: /M\ttickets\.jsonl/,
  },
  {
    id: 'paths.beside-honest',
    family: 'state writes',
    tries: 'hide a new file outside beside an honest change',
    stoppedBy: exits,
    run: `echo two >> src/a.txt; echo x > new.txt; ${commit}`,
    paths: own,
    refused: outside,
    carries: /A\tnew\.txt/,
  },
  {
    id: 'paths.removal',
    family: 'state writes',
    tries: 'take away a file outside its ticket',
    stoppedBy: exits,
    run: `rm outside.txt; ${commit}`,
    paths: own,
    refused: outside,
    carries: /D\toutside\.txt/,
  },
  {
    id: 'paths.whole-tree',
    family: 'state writes',
    tries: 'commit a tree of nothing',
    stoppedBy: exits,
    run: 'git rm -rqf . ; git commit -qm nothing',
    paths: own,
    refused: outside,
    carries: /D\ttest\.sh/,
  },
  {
    id: 'paths.move-out',
    family: 'links, renames and mounts',
    tries: 'move a file of its own out of its paths',
    stoppedBy: exits,
    run: `git mv src/b.txt b.txt; ${commit}`,
    paths: own,
    refused: outside,
    carries: /A\tb\.txt/,
  },
  {
    id: 'paths.move-in',
    family: 'links, renames and mounts',
    tries: 'move a file of others into its paths',
    stoppedBy: exits,
    run: `git mv outside.txt src/outside.txt; ${commit}`,
    paths: own,
    refused: outside,
    carries: /D\toutside\.txt/,
  },
  {
    id: 'paths.mode',
    family: 'links, renames and mounts',
    tries: 'change the mode of a file outside',
    stoppedBy: exits,
    run: `chmod +x outside.txt; git update-index --chmod=+x outside.txt; ${commit}`,
    paths: own,
    refused: outside,
    carries: /100644 100755 .*\toutside\.txt/,
  },
  {
    id: 'paths.file-to-link',
    family: 'links, renames and mounts',
    tries: 'put a link in the place of a file outside',
    stoppedBy: exits,
    run: `ln -sf src/a.txt outside.txt; ${commit}`,
    paths: own,
    refused: outside,
    carries: /120000 .*\toutside\.txt/,
  },
  {
    id: 'paths.folder-to-link',
    family: 'links, renames and mounts',
    tries: 'make its own folder a link to another',
    stoppedBy: exits,
    run: `cp -r src other; rm -rf src; ln -s other src; ${commit}`,
    paths: own,
    refused: outside,
    carries: /120000 .*\tsrc$/m,
  },
  {
    id: 'paths.look-alike',
    family: 'links, renames and mounts',
    tries: 'use paths that only look like its own',
    stoppedBy: exits,
    run: `mkdir -p 'src.bak' SRC; echo x > src.bak/x; echo x > SRC/x; ${commit}`,
    paths: own,
    refused: outside,
    carries: /A\tsrc\.bak\/x/,
  },
  {
    id: 'paths.wildcard-folder',
    family: 'links, renames and mounts',
    tries: 'widen its paths by a folder that is named like a wildcard',
    stoppedBy: exits,
    run: `mkdir -p 'src/*/deep'; echo x > 'src/*/deep/x'; ${commit}`,
    paths: ['src/*'],
    refused: outside,
    carries: /A\tsrc\/\*\/deep\/x/,
  },
];

const HISTORY: GateAttack[] = [
  {
    id: 'git.evil-merge',
    family: 'planted git',
    tries: 'bring a file outside by a merge of two branches of its own',
    stoppedBy: exits,
    run: `git checkout -qb side; echo x > side.txt; ${commit}; git checkout -q -; echo y >> src/b.txt; ${commit}; git merge -q --no-ff -m both side`,
    paths: own,
    refused: outside,
    carries: /A\tside\.txt/,
  },
  {
    id: 'git.in-between',
    family: 'planted git',
    tries: 'leave a file outside in a commit on the way and take it away again',
    stoppedBy: exits,
    run: `echo hidden > hidden.txt; ${commit}; git rm -q hidden.txt; echo x >> src/b.txt; ${commit}`,
    paths: own,
    refused: outside,
    carries: /in a commit on the way: hidden\.txt/,
  },
  {
    id: 'git.submodule',
    family: 'planted git',
    tries: 'bring another repository in as a submodule',
    stoppedBy: exits,
    run: 'git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),src/module; git commit -qm module',
    paths: own,
    refused: /submodule/,
    carries: /160000 .*\tsrc\/module/,
  },
  {
    id: 'git.orphan',
    family: 'planted git',
    tries: 'replace history by one of its own',
    stoppedBy: exits,
    run: `git checkout -q --orphan o; echo x >> src/b.txt; ${commit}`,
    paths: ['**'],
    refused: /./,
    carries: /roots: 1, not those of main/,
  },
  {
    id: 'git.own-folder',
    family: 'planted git',
    tries: 'put git’s own folder into a tree, with a configuration that runs programs',
    stoppedBy: exits,
    run: 'x=$(echo evil | git hash-object -w --stdin); d=$(printf "100644 blob $x\\tconfig\\n" | git mktree); t=$( (git ls-tree HEAD; printf "040000 tree $d\\t.GIT\\n") | git mktree); git update-ref HEAD $(git commit-tree $t -p HEAD -m x)',
    paths: ['**'],
    refused: /./,
    carries: /A\t\.GIT\/config/,
  },
  {
    id: 'git.own-folder-short-name',
    family: 'planted git',
    tries: 'put git’s own folder into a tree as another system reads names',
    stoppedBy: exits,
    run: 'x=$(echo evil | git hash-object -w --stdin); t=$( (git ls-tree HEAD; printf "100644 blob $x\\tgit~1\\n") | git mktree); git update-ref HEAD $(git commit-tree $t -p HEAD -m x)',
    paths: ['**'],
    refused: /./,
    carries: /A\tgit~1/,
  },
  {
    id: 'git.upward',
    family: 'planted git',
    tries: 'put a name into a tree that leads upward',
    stoppedBy: exits,
    run: `x=$(echo evil | git hash-object -w --stdin); d=$(printf "100644 blob $x\\tevil\\n" | git mktree); t=$(perl -e 'print "40000 ..\\0".pack("H*", $ARGV[0])' $d | git hash-object -w -t tree --literally --stdin); git update-ref HEAD $(git commit-tree $t -p HEAD -m x)`,
    paths: ['**'],
    refused: /./,
    carries: /A\t\.\.\/evil/,
  },
  {
    id: 'git.no-text',
    family: 'planted git',
    tries: 'use a name that is no text, which lists and screens would show as another',
    stoppedBy: exits,
    run: `printf x > "$(printf 'src/\\377')"; ${commit}`,
    paths: own,
    refused: /UTF-8/,
    carries: /A\t"?src\/(\\377|\uFFFD)/,
  },
];

/** Candidates that ordinary git would take. */
export const GATE_ATTACKS: readonly GateAttack[] = [...PATHS, ...HISTORY];

/** Attacks on the gate with a test of their own. */
export const GATE_TESTS: readonly Mechanism[] = [
  {
    id: 'git.configuration',
    family: 'planted git',
    tries: 'have programs of its own run on the host by the configuration and hooks of its checkout',
    stoppedBy: exits,
  },
  {
    id: 'git.attributes',
    family: 'planted git',
    tries: 'have the operator’s hooks and filters run with what it changed in them',
    stoppedBy: exits,
  },
  {
    id: 'git.folder-elsewhere',
    family: 'planted git',
    tries: 'lead git elsewhere by a link or a file in the place of its folder',
    stoppedBy: exits,
  },
  {
    id: 'git.borrowed-objects',
    family: 'planted git',
    tries: 'submit a commit whose objects lie where only the run could see them',
    stoppedBy: exits,
  },
  {
    id: 'git.replaced-object',
    family: 'planted git',
    tries: 'show another history than the one it submits by a replaced object',
    stoppedBy: exits,
  },
  {
    id: 'git.push',
    family: 'planted git',
    tries: 'push to the operator’s repository by itself',
    stoppedBy: ['room'],
  },
  {
    id: 'link.then-through',
    family: 'links, renames and mounts',
    tries: 'have a link to outside merged, and write through it with the next ticket',
    stoppedBy: exits,
  },
  {
    id: 'forged.trailer',
    family: 'forged words',
    tries: 'claim in a commit’s trailers that another ticket was approved and merged',
    stoppedBy: exits,
  },
];
