import path from 'node:path';
import type { BrandView, RepositoryGuess } from '../../../contract/brands.ts';
import { CountBy } from '../../../contract/config.ts';
import { fail } from '../../../contract/errors.ts';
import { BrandId, CommitId } from '../../../contract/ids.ts';
import { CommandFailure, refuse, valueOf } from '../failure.ts';
import { freshCommandId, idOf } from '../ids.ts';
import { facts, table } from '../output.ts';
import { oneOf } from '../program.ts';
import type { Group } from '../program.ts';

interface AddOptions {
  name: string;
  repository: string[];
  sealed?: boolean;
  setup?: string;
  test?: string;
  lint?: string;
  count?: CountBy;
  yes?: boolean;
}

/** `brand add`, `list`, `show` and `accept`. */
export function addBrandCommands(program: Group): void {
  const brand = program.group('brand', 'the rooms: their repositories and checks');

  brand.add<AddOptions>(
    'add <id>',
    'add a brand; its checks are guessed, shown, and run once',
    [
      { flags: '--name <name>', description: 'how people call it', required: true },
      { flags: '--repository <path...>', description: 'its git repositories', required: true },
      { flags: '--sealed', description: 'nothing may leak into or out of it' },
      { flags: '--setup <command>', description: 'what prepares a checkout; "none" is a value' },
      { flags: '--test <command>', description: 'what tests it' },
      { flags: '--lint <command>', description: 'what lints it' },
      {
        flags: '--count <how>',
        description: 'how tests are counted: tap, junit or exit',
        read: oneOf(CountBy.options),
      },
      { flags: '--yes', description: 'confirms what was guessed' },
    ],
    async ({ output, core }, options, given) => {
      const id = idOf(BrandId, given);
      if (options.repository.includes(''))
        refuse('usage', '--repository has an empty path', 'Give the path of a git repository.');
      const repositories = options.repository.map((each) => path.resolve(each));
      const { client } = await core();
      const { name, setup, test, lint, count } = options;
      const declared = defined({ setup, test, lint, count });
      if (options.yes !== true) {
        const guesses: RepositoryGuess[] = [];
        for (const each of repositories) {
          const guess = valueOf(await client.brand.guess({ path: each }));
          guesses.push({ ...guess, checks: { ...guess.checks, ...declared } });
        }
        if (!output.json) output.note(guesses.map(describeGuess).join('\n\n'));
        const failure = fail(
          'checks-need-confirmation',
          `The brand ${id} was not added: its checks are not confirmed yet.`,
          'Give --yes to confirm them, or name others with --setup, --test, --lint and --count.',
        ).failure;
        throw new CommandFailure(failure, { guess: guesses });
      }
      const sealed = options.sealed === true;
      const added = valueOf(
        await client.brand.add({ id, name, repositories, sealed, confirmed: true, ...declared }),
      );
      output.value(present(added), () => describe(added));
    },
  );

  brand.add('list', 'all brands', [], async ({ output, core }) => {
    const { client } = await core();
    const brands = valueOf(await client.brand.list({}));
    output.value(brands.map(present), () =>
      table(
        ['BRAND', 'NAME', 'SEALED', 'STATE', 'REPOSITORIES'],
        brands.map((each) => [
          each.id,
          each.name,
          each.sealed ? 'sealed' : '',
          each.state,
          each.repositories.map((repository) => repository.path).join(', '),
        ]),
        'No brand yet. Add one: atrium brand add ID --name NAME --repository PATH --yes',
      ),
    );
  });

  brand.add('show <id>', 'one brand', [], async ({ output, core }, _options, given) => {
    const id = idOf(BrandId, given);
    const { client } = await core();
    const shown = valueOf(await client.brand.show({ id }));
    output.value(present(shown), () => describe(shown));
  });

  brand.add<{ commit: string }>(
    'accept <id> <repository>',
    'build on a branch that was moved otherwise than forward',
    [{ flags: '--commit <id>', description: 'the commit that it is at, whole', required: true }],
    async ({ output, core }, options, given, repository = '') => {
      const id = idOf(BrandId, given);
      const commit = idOf(CommitId, options.commit);
      const { client } = await core();
      const accepted = valueOf(
        await client.brand.accept({ commandId: freshCommandId(), id, repository, commit }),
      );
      output.value(accepted, () => `${accepted.commit} is accepted: work on ${accepted.repository} goes on.`);
    },
  );
}

/** As scripts rely on it: a baseline that did not run is none. */
function present(brand: BrandView): object {
  const repositories = brand.repositories.map((each) => ({
    ...each,
    baseline: each.baseline === 'not-run' ? 'none' : each.baseline,
  }));
  return { ...brand, repositories };
}

function describe(brand: BrandView): string {
  const head = facts([
    ['Brand', brand.id],
    ['Name', brand.name],
    ['Sealed', brand.sealed ? 'yes' : 'no'],
    ['State', brand.state],
    ['Error', brand.error],
  ]);
  const repositories = brand.repositories.map((each) =>
    facts([
      ['Repository', each.path],
      ['Branch', each.branch],
      ['Setup', each.checks.setup],
      ['Test', `${each.checks.test} (counted by ${each.checks.count})`],
      ['Lint', each.checks.lint],
      ['Baseline', `${each.baseline}${each.detail === '' ? '' : `: ${each.detail}`}`],
    ]),
  );
  return [head, ...repositories].join('\n\n');
}

function describeGuess(guess: RepositoryGuess): string {
  return facts([
    ['Repository', guess.path],
    ['Branch', guess.branch],
    ['Setup', guess.checks.setup],
    ['Test', `${guess.checks.test} (counted by ${guess.checks.count})`],
    ['Lint', guess.checks.lint],
    ['Notes', guess.notes.join('\n')],
  ]);
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the fields that have no value. */
function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}
