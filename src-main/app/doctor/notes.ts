import { asRecorded } from '../projections.ts';
import type { Patient } from './check.ts';

/** What the operator did since Atrium did something of its own there, a sentence each. None of it is a fault. */
export async function note(patients: readonly Patient[]): Promise<string[]> {
  const said: string[] = [];
  for (const { brand, knowledge } of patients) {
    for (const { name, branch } of brand.config.repositories) {
      const last = brand.store
        .readStream(`repository/${name}`)
        .map(asRecorded)
        .findLast((event) => event.type === 'branch.moved');
      if (last?.type === 'branch.moved' && last.data.forward)
        said.push(`${brand.id}: ${branch} of ${name} went on to ${last.data.to.slice(0, 10)} by other hands`);
    }
    const { edited } = await knowledge.examine();
    if (edited.length > 0)
      said.push(
        `${brand.id}: ${edited.length === 1 ? 'a page was' : `${edited.length} pages were`} changed since Atrium wrote ${edited.length === 1 ? 'it' : 'them'}: ${edited.slice(0, 3).join(', ')}`,
      );
  }
  return said;
}
