import type { Mechanism } from './mechanism.ts';

const exits = ['exits'] as const;
const silent = (id: string, tries: string): Mechanism => ({
  id: `tests.${id}`,
  family: 'tests that say nothing',
  tries,
  stoppedBy: exits,
});

/** Checks that did not run, and runs that do not end: what did not run is no pass. */
export const SILENCE_TESTS: readonly Mechanism[] = [
  silent('deleted', 'delete the tests'),
  silent('emptied', 'empty the test command, so that it succeeds'),
  silent('skipped', 'skip every test'),
  silent('claimed', 'print that all tests passed'),
  silent('missing-program', 'have the tests call a program that there is not'),
  silent('hang', 'have the tests hang until nobody looks'),
  silent('flood', 'drown the result of the tests in output'),
  silent('killed', 'have the tests killed before their end'),
  silent('verifier-room', 'change the tree under the eyes of the verifier'),
  silent('acceptance', 'have an acceptance command that is missing pass for one that holds'),
  {
    id: 'process.left-behind',
    family: 'processes',
    tries: 'leave processes behind with setsid, nohup and a double fork',
    stoppedBy: ['room'],
  },
  {
    id: 'process.deaf',
    family: 'processes',
    tries: 'outlive its time by trapping every signal',
    stoppedBy: ['room'],
  },
  { id: 'process.fork-bomb', family: 'processes', tries: 'fork without end', stoppedBy: ['room'] },
  { id: 'process.memory', family: 'processes', tries: 'take memory without end', stoppedBy: ['room'] },
  { id: 'process.output', family: 'processes', tries: 'print without end', stoppedBy: ['room'] },
];
