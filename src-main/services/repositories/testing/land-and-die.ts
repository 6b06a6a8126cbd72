import { openAt } from './fixture.ts';
import type { LandingStep } from '../land.ts';

/** A process of its own that lands a commit and ends itself, without a word, after the step it was told. */
const [host, root, commit, expected, step] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  LandingStep,
];
const repository = await openAt(host, root);
await repository.land({
  commit,
  expected,
  message: 'landing',
  onStep: (done) => {
    if (done === step) process.kill(process.pid, 'SIGKILL');
  },
});
