import { fail } from '../../contract/errors.ts';
import type { RunId } from '../../contract/ids.ts';
import type { RunReports } from '../../services/gateway/index.ts';
import type { Exit } from './exits.ts';

/** Why a text must not pass an exit of a brand; null where it may. What is stopped is recorded as a decision of the guard. */
export type Leaving = (exit: Exit, text: string, run: RunId | null) => string | null;

/** The reports of a run, each looked through before it is taken. */
export function watchedReports(
  reports: RunReports,
  stopped: (exit: Exit, text: string) => string | null,
): RunReports {
  const watched =
    <T, R>(exit: Exit, take: (value: T) => Promise<R>) =>
    (value: T) => {
      const why = stopped(exit, typeof value === 'string' ? value : JSON.stringify(value));
      return why === null
        ? take(value)
        : Promise.resolve(
            fail('not-authorized', `the ${exit} is not taken: ${why}`, 'say it in other words'),
          );
    };
  return {
    ...reports,
    result: watched('result', (report) => reports.result(report)),
    verdict: watched('result', (report) => reports.verdict(report)),
    progress: watched('note', (text) => reports.progress(text)),
    comment: watched('note', (text) => reports.comment(text)),
  };
}
