import { plural } from '../../domain/plural.ts';
import { holds, fails, type Checks, type Patient } from './check.ts';

/** The pages and their index (14 and 15). */
export function knowledgeChecks(): Checks {
  return {
    workspace: [],
    brand: [
      {
        number: 14,
        mark: ({ knowledge }) => knowledge.mark(),
        prove: async ({ knowledge }) => {
          const { faults, proved } = await knowledge.examine();
          return faults[0] === undefined
            ? holds(
                `${plural(proved, 'page')} unchanged since Atrium wrote them, authority right and sources resolved`,
              )
            : fails(faults[0]);
        },
      },
      {
        number: 15,
        mark: ({ knowledge }) => knowledge.mark(),
        prove: async ({ knowledge }: Patient) => {
          const [first] = await knowledge.index.differences();
          return first === undefined
            ? holds(`${plural(knowledge.index.pages().length, 'page')} in the index, each as it is on disk`)
            : fails(`${first} is not in the index as it is on disk`);
        },
      },
    ],
  };
}
