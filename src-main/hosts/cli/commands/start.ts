import { type PhaseView, type StartReport, StartAnswers } from '../../../contract/start.ts';
import { freshCommandId } from '../ids.ts';
import { readInput } from '../input.ts';
import { refuse } from '../failure.ts';
import { counted } from '../output.ts';
import { whole } from '../program.ts';
import type { Group } from '../program.ts';

interface StartOptions {
  dryRun?: boolean;
  detach?: boolean;
  answers?: string;
  phase?: number;
}

/** `start`: the day's phases. */
export function addStartCommand(program: Group): void {
  program.add<StartOptions>(
    'start',
    'run the phases of the day; does what is stale and says why it skipped the rest',
    [
      { flags: '--dry-run', description: 'say what would run, change nothing' },
      { flags: '--detach', description: 'return after dispatch' },
      { flags: '--answers <file>', description: 'answers to the interview, YAML or JSON; - is stdin' },
      { flags: '--phase <n>', description: 'one phase, 0 to 8', read: whole(0, 8) },
    ],
    async ({ output, core }, options) => {
      const answers =
        options.answers === undefined ? undefined : await readInput(options.answers, StartAnswers);
      const connection = await core();
      let detached = false;
      process.once('SIGINT', () => {
        detached = true;
        connection.close();
      });
      let report: StartReport | undefined;
      const told = new Set<number>();
      try {
        const reports = await connection.client.start({
          commandId: freshCommandId(),
          dryRun: options.dryRun === true,
          detach: options.detach === true,
          ...(answers === undefined ? {} : { answers }),
          ...(options.phase === undefined ? {} : { phase: options.phase }),
        });
        for await (const next of reports) {
          report = next;
          if (output.json) continue;
          for (const phase of next.phases) {
            if (phase.outcome === 'running' || told.has(phase.number)) continue;
            told.add(phase.number);
            output.note(describePhase(phase));
          }
        }
      } catch (error) {
        if (!detached) throw error;
      }
      if (detached) process.stderr.write('Detached: what runs goes on. `atrium status` shows it.\n');
      if (report === undefined) {
        if (detached) return;
        refuse('fault', 'The core gave no report of the start.', 'See .atrium/core.log in the workspace.');
      }
      const outcome = report;
      output.value(outcome, () => describeEnd(outcome));
      if (outcome.phases.some((phase) => phase.outcome === 'failed')) process.exitCode = 1;
    },
  );
}

function describePhase(phase: PhaseView): string {
  const took = phase.ms >= 1_000 ? `${(phase.ms / 1_000).toFixed(1)} s` : `${Math.round(phase.ms)} ms`;
  return `${phase.number}  ${phase.name.padEnd(18)} ${phase.outcome.padEnd(10)} ${took.padStart(8)}  ${phase.reason}`.trimEnd();
}

function describeEnd(report: StartReport): string {
  const { waiting, merged, blocked } = report;
  const lines = [
    '',
    merged.length === 0 ? 'Nothing was merged.' : `Merged: ${merged.join(', ')}`,
    ...blocked.map(({ id, reason }) => `Blocked: ${id}, ${reason}`),
    `Waiting for you: ${counted(waiting.approvals, 'approval')}, ${counted(waiting.questions, 'question')}.`,
  ];
  return lines.join('\n');
}
