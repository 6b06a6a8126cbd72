import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { plural } from '../../domain/plural.ts';
import type { Sandbox } from '../../services/sandbox/index.ts';
import { cleanUp } from '../housekeeping.ts';
import { settlePins } from '../pins.ts';
import type { Patient } from './check.ts';

/** Puts right what is Atrium's own, and says each thing in a sentence; what could not be put right is left to its check. */
export async function mend(
  patients: readonly Patient[],
  parts: { sandbox: Sandbox; now(): Date; onFault(error: unknown): void },
): Promise<string[]> {
  const said: string[] = [];
  const say = (patient: Patient, what: string) => void said.push(`${patient.brand.id}: ${what}`);
  const steps: readonly ((patient: Patient) => void | Promise<void>)[] = [
    (patient) => {
      if (patient.exporter.settle()) say(patient, 'tickets.jsonl was written again from the log');
    },
    async (patient) => {
      const { index } = patient.knowledge;
      const { added, changed, removed } = await index.refresh();
      if (added + changed + removed > 0)
        say(patient, `the index took in ${plural(added + changed + removed, 'page')} that it had missed`);
      if ((await index.differences()).length === 0) return;
      await index.rebuild();
      say(patient, 'the index was built again from the files');
    },
    (patient) => {
      const left = leftHomes(patient);
      for (const name of left)
        rmSync(join(patient.brand.places.homes, name), { recursive: true, force: true });
      if (left.length > 0) say(patient, `${plural(left.length, 'home')} of runs that have ended, removed`);
    },
    async (patient) => {
      const removed = await cleanUp(patient.brand, parts.now());
      if (removed > 0) say(patient, `${plural(removed, 'overdue checkout')} removed`);
    },
    async (patient) => {
      const { again, away } = await settlePins(patient.brand, false);
      if (again > 0) say(patient, `${plural(again, 'base commit')} of checkouts pinned again`);
      if (away > 0) say(patient, `${plural(away, 'pin')} of attempts without a checkout taken away`);
    },
  ];
  for (const patient of patients)
    for (const step of steps) {
      try {
        await step(patient);
      } catch (error) {
        parts.onFault(error);
      }
    }
  try {
    const bait = parts.sandbox.clearBait();
    if (bait.length > 0) said.push(`${plural(bait.length, 'bait')} of provers that died taken away`);
  } catch (error) {
    parts.onFault(error);
  }
  return said;
}

/** Homes that no live run has: a run's home begins and ends with it. */
function leftHomes({ brand }: Patient): string[] {
  const live = new Set<string>(brand.runs.live());
  return readdirSync(brand.places.homes).filter((name) => name.startsWith('R-') && !live.has(name));
}
