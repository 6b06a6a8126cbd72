import { expect, test } from 'vitest';
import type { SandboxProbe } from '../services/sandbox/index.ts';
import { createSandboxTrial } from './sandbox-trial.ts';

const works: SandboxProbe = {
  available: true,
  launcher: { path: '/usr/bin/bwrap', version: '0.8.0' },
  mode: 'root-drop',
  limits: 'enforced',
  limitsDetail: '',
  landlock: 1,
};
const fails: SandboxProbe = {
  available: false,
  code: 'launcher-missing',
  message: 'There is none.',
  hint: '',
};

test('a trial that succeeded stands for a minute, unless the programs change; one that failed does not stand', async () => {
  let now = 0;
  let stamp = 'as installed';
  let answer: SandboxProbe = fails;
  let tried = 0;
  const sandbox = {
    stamp: () => stamp,
    probe: () => {
      tried += 1;
      return Promise.resolve(answer);
    },
  };
  const trial = createSandboxTrial(sandbox, () => now);
  expect([await trial(), await trial(), tried]).toEqual([fails, fails, 2]);
  answer = works;
  expect([await trial(), await trial(), tried]).toEqual([works, works, 3]);
  answer = fails;
  now = 59_999;
  expect([await trial(), tried]).toEqual([works, 3]);
  now = 60_000;
  expect([await trial(), tried]).toEqual([fails, 4]);
  answer = works;
  await trial();
  stamp = 'another';
  answer = fails;
  expect([await trial(), tried]).toEqual([fails, 6]);
});
