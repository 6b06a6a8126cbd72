import type { Mechanism } from './mechanism.ts';

/** A way out for words: over the run's socket, or in what a candidate brings. */
export interface WayOut extends Mechanism {
  /** What the exit is called in the record of what it stopped. */
  exit: string;
  /** Inside the planning run of a ticket that is planned first, instead of the work. */
  planned?: true;
  /** What the attacker's program does: `words` and `mark` are another brand's, `call(path, body)` speaks on the run's socket, `sh(command, input)` is a shell in the ticket's own folder, `head()` the newest commit. */
  does: string;
}

const way = (id: string, exit: string, tries: string, does: string): WayOut => ({
  id: `words.${id}`,
  family: 'words carried out',
  tries: `carry another brand’s words out ${tries}`,
  stoppedBy: ['exits'],
  exit,
  does,
});
/** In a folder of the ticket's own, behind a plain commit; the agent program submits what is there. */
const commit = (rest: string): string => `sh('echo x >> a.txt; git add -A; git commit -qm plain'); ${rest}`;

/** What a run says, each on the run's socket: all of them are tried in one run, and none is taken. */
export const SAID: readonly WayOut[] = [
  way('progress', 'note', 'in a word about its progress', `await call('progress', { text: words });`),
  way('comment', 'note', 'in a remark on its ticket', `await call('comment', { text: words });`),
  way('handoff', 'handoff', 'in a handoff', `await call('checkpoint', { notes: words });`),
  way('page', 'page', 'in what it asks the librarian to write', `await call('wiki-write', { text: words });`),
  way(
    'question',
    'question',
    'in a question or its choices',
    `await call('ask', { text: 'Which?', choices: [words] });`,
  ),
  way(
    'result',
    'result',
    'in the summary of its result',
    commit(`await call('result', { ticket, commit: head(), summary: words, commands: [], files: [] });`),
  ),
];

/** What leaves a run without a call of its own; each takes a ticket. */
export const CARRIED: readonly WayOut[] = [
  {
    ...way(
      'plan',
      'plan',
      'in a plan',
      `await call('plan', { ticket, text: words }); await call('plan', { ticket, text: 'plain' });`,
    ),
    planned: true,
  },
  way(
    'message',
    'commit',
    'in the message of a commit',
    commit(`sh('git commit -q --allow-empty -F -', words);`),
  ),
  way(
    'author',
    'commit',
    'in the name of who made a commit',
    commit(`sh('git commit -q --allow-empty -m plain --author="' + mark + ' <a@b.example>"');`),
  ),
  way(
    'in-between',
    'commit',
    'in a commit on the way, and take them away again',
    commit(
      `sh('cat > b.txt; git add -A; git commit -qm plain', words); sh('git rm -q b.txt; git commit -qm plain');`,
    ),
  ),
  way(
    'no-text',
    'commit',
    'in a file that a NUL makes no text',
    commit(`sh('cat > b.txt; git add -A; git commit -qm plain', '\\0' + words);`),
  ),
  way(
    'attributes',
    'commit',
    'in a file that its attributes call no text',
    commit(`sh('echo "* -diff" > .gitattributes; cat > b.txt; git add -A; git commit -qm plain', words);`),
  ),
  way(
    'file-name',
    // The agent program lists the files that it changed in its result.
    'result',
    'in the name of a file',
    commit(`sh('touch ' + mark + '; git add -A; git commit -qm plain');`),
  ),
];

/** The way out of words that were nobody's when the run began. */
export const PAGE_TEST: Mechanism = {
  id: 'words.written-page',
  family: 'words carried out',
  tries: 'have words written into a page that became another brand’s while it worked',
  stoppedBy: ['exits'],
};

/** Where a run could leave a secret that it was granted; all are tried by one run but for those that a ticket ends with. */
export const SECRET_TESTS: readonly Mechanism[] = [
  {
    id: 'secrets.said',
    family: 'secrets',
    tries: 'leave a secret that it was granted in what it says, asks and hands over',
    stoppedBy: ['exits'],
  },
  {
    id: 'secrets.call',
    family: 'secrets',
    tries: 'leave a secret that it was granted in the record of a call, allowed, denied or asked about',
    stoppedBy: ['exits'],
  },
  {
    id: 'secrets.commit',
    family: 'secrets',
    tries: 'leave a secret that it was granted in a message, a file that is no text, or a commit on the way',
    stoppedBy: ['exits'],
  },
  {
    id: 'secrets.neighbour',
    family: 'secrets',
    tries:
      'find the secret of another run of its brand in /proc, in its variables or in what checks are given',
    stoppedBy: ['room'],
  },
];
