import { checkGit, type GitProgram } from '../../services/repositories/index.ts';
import type { BrandRepository } from '../brand.ts';
import { overdueCheckouts, unknownCheckouts } from '../housekeeping.ts';
import { plural } from '../../domain/plural.ts';
import { fails, holds, type Checks, type Finding, type Patient } from './check.ts';

/** The operator's repositories and Atrium's checkouts of them (12 and 13). */
export function repositoryChecks(parts: { git: GitProgram; now(): Date }): Checks {
  const open = async ({ brand }: Patient): Promise<BrandRepository[] | Finding> => {
    const found = await brand.repositories();
    const broken = found.find((one) => !one.ok);
    if (broken && !broken.ok) return fails(broken.failure.message);
    return found.flatMap((one) => (one.ok ? [one.value] : []));
  };
  const heads = async (repositories: BrandRepository[]): Promise<Record<string, string>> =>
    Object.fromEntries(
      await Promise.all(
        repositories.map(async ({ config, git }) => [config.name, await git.head()] as const),
      ),
    );
  /** The first branch that may not be built on. */
  const strange = async (patient: Patient, repositories: BrandRepository[]): Promise<string | null> => {
    for (const repository of repositories) {
      const why = await patient.branches.look(repository);
      if (why !== null) return why;
    }
    return null;
  };

  return {
    workspace: [
      {
        number: 12,
        mark: () => parts.git.file,
        prove: async () => {
          const git = await checkGit(parts.git);
          return git.ok ? holds(`git ${git.version}`) : fails(`${git.message} ${git.hint}`);
        },
      },
    ],
    brand: [
      {
        number: 12,
        mark: async (patient) => {
          const repositories = await open(patient);
          return Array.isArray(repositories) ? JSON.stringify(await heads(repositories)) : null;
        },
        prove: async (patient) => {
          const repositories = await open(patient);
          if (!Array.isArray(repositories)) return repositories;
          const why = await strange(patient, repositories);
          if (why !== null) return fails(why);
          for (const { git } of repositories) {
            const sound = await git.soundness();
            if (!sound.ok) return fails(sound.message);
          }
          return holds(
            `${plural(repositories.length, 'repository', 'repositories')} sound, each branch holds what Atrium merged`,
          );
        },
        proveSince: async (patient, mark) => {
          const repositories = await open(patient);
          if (!Array.isArray(repositories)) return repositories;
          const why = await strange(patient, repositories);
          if (why !== null) return fails(why);
          const before = JSON.parse(mark) as Record<string, string>;
          for (const { config, git } of repositories) {
            const from = before[config.name];
            if (from === undefined || !(await git.connected(from, await git.head())))
              return fails(`objects that ${config.branch} of ${config.name} needs are missing`);
          }
          return holds('what the branches gained is whole');
        },
      },
      {
        number: 13,
        mark: () => null,
        prove: async ({ brand }) => {
          const [overdue] = await overdueCheckouts(brand, parts.now());
          if (overdue) return fails(`${overdue.folder} is overdue: ${overdue.reason}`);
          const [unknown] = await unknownCheckouts(brand, parts.now());
          return unknown === undefined
            ? holds('no checkout is older than it may get')
            : fails(`${unknown} is no checkout that Atrium knows: look at it, then remove it`);
        },
      },
    ],
  };
}
