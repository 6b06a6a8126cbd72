import { fail, type Result } from '../../contract/errors.ts';
import type { RunId } from '../../contract/ids.ts';
import type { RunReports } from '../../services/gateway/index.ts';
import type { Exit } from './exits.ts';

/** Why a text must not pass an exit of a brand; null where it may. What is stopped is recorded as a decision of the guard. */
export type Leaving = (exit: Exit, text: string, run: RunId | null) => string | null;

/** The reports of a run, each made clean of its secrets and then looked through before it is taken: whatever the verb. */
export function watchedReports(
  reports: RunReports,
  watch: { clean<T>(value: T): T; stopped(exit: Exit, text: string): string | null },
): RunReports {
  const watched =
    <T, R>(exit: Exit, take: (value: T) => Promise<Result<R>>) =>
    (value: T): Promise<Result<R>> => {
      const clean = watch.clean(value);
      const why = watch.stopped(exit, typeof clean === 'string' ? clean : JSON.stringify(clean));
      return why === null
        ? take(clean)
        : Promise.resolve(
            fail('not-authorized', `the ${exit} is not taken: ${why}`, 'say it in other words'),
          );
    };
  const { plan, review, ask, wikiWrite, checkpoint } = reports;
  return {
    ...reports,
    result: watched('result', (report) => reports.result(report)),
    verdict: watched('result', (report) => reports.verdict(report)),
    progress: watched('note', (text) => reports.progress(text)),
    comment: watched('note', (text) => reports.comment(text)),
    ...(plan && { plan: watched('plan', plan) }),
    ...(review && { review: watched('note', review) }),
    ...(ask && { ask: watched('question', ask) }),
    ...(wikiWrite && { wikiWrite: watched('page', wikiWrite) }),
    ...(checkpoint && { checkpoint: watched('handoff', checkpoint) }),
  };
}
