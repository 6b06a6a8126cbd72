import type { Actor } from '../contract/events.ts';
import type { CommitId, RunId } from '../contract/ids.ts';
import type { Verdict } from '../contract/tickets.ts';
import { judge } from '../domain/checks.ts';
import { plural } from '../domain/plural.ts';
import type { Ticket } from '../domain/ticket.ts';
import type { Brand } from './brand.ts';
import type { Room } from './rooms.ts';

const core: Actor = { kind: 'core', part: 'gate' };

/**
 * The verifier without a model: a run of the acceptance commands on the merged tree under its read-only contract, judged by
 * their exit codes. Its verdict is bound to the candidate.
 */
export async function verify(
  brand: Brand,
  ticket: Ticket,
  candidate: { attempt: Ticket['attempts'][number]['id']; commit: CommitId },
  room: Room,
  timeoutMs: number,
): Promise<{ verdict: Verdict; detail: string }> {
  const run: RunId = brand.runs.newId();
  const contract = brand.contract('verifier');
  if (!contract.ok) return { verdict: 'unverified', detail: contract.failure.message };
  const actor: Actor = { kind: 'run', run, role: 'verifier' };
  brand.runs.record(
    run,
    [
      {
        type: 'run.started',
        data: {
          run,
          role: 'verifier',
          ticket: ticket.id,
          attempt: candidate.attempt,
          runtime: 'command',
          contract: contract.value.digest,
        },
      },
    ],
    core,
  );
  const transcript = brand.transcripts.begin(run);
  const reasons: string[] = [];
  let verdict: Verdict = 'pass';
  for (const command of ticket.draft.acceptance) {
    transcript.write({ kind: 'tool', text: command });
    const ended = await brand.rooms.command(room, command, {
      write: false,
      timeoutMs,
      onOutput: (chunk) => transcript.write({ kind: 'stdout', text: chunk }),
    });
    const judged = judge(command, ended, 'exit');
    const readOnly = /Read-only file system|EROFS/.test(ended.stderr)
      ? ' (the verifier writes nothing in the checkout; write in $TMPDIR)'
      : '';
    if (judged.outcome !== 'pass') reasons.push(`${judged.detail}${readOnly}`);
    if (judged.outcome === 'fail') verdict = 'fail';
    if (judged.outcome === 'unverified' && verdict === 'pass') verdict = 'unverified';
  }
  if (reasons.length === 0)
    reasons.push(
      ticket.draft.acceptance.length === 0
        ? "no acceptance command was given; the repository's checks decide"
        : `${plural(ticket.draft.acceptance.length, 'acceptance command')} ended with exit code 0`,
    );
  const given = brand.tickets.execute(
    ticket.id,
    {
      type: 'submit-verdict',
      attempt: candidate.attempt,
      run,
      verdict: { ticket: ticket.id, commit: candidate.commit, verdict, reasons },
    },
    actor,
  );
  transcript.write({ kind: 'end', text: `${verdict}: ${reasons.join('; ')}` });
  await transcript.end();
  brand.runs.record(run, [{ type: 'run.ended', data: { run, outcome: 'done', reason: verdict } }], core);
  return given.ok
    ? { verdict, detail: reasons.join('; ') }
    : { verdict: 'unverified', detail: given.failure.message };
}
