import type { Actor } from '../contract/events.ts';
import type { AgentContract } from '../contract/config.ts';
import { fail, type Result } from '../contract/errors.ts';
import type { AttemptId, CommitId, RunId } from '../contract/ids.ts';
import type { Verdict } from '../contract/tickets.ts';
import { judge as judgeEnding } from '../domain/checks.ts';
import { plural } from '../domain/plural.ts';
import { verifierBrief } from '../domain/plan-briefs.ts';
import type { Ticket } from '../domain/ticket.ts';
import type { Runtime } from '../services/runtimes/index.ts';
import type { Brand } from './brand.ts';
import type { Room } from './rooms.ts';

const core: Actor = { kind: 'core', part: 'gate' };

/** What a verdict is made with. */
export interface VerifierParts {
  brand: Brand;
  runtimes: readonly Runtime[];
  /** Upper bound of a run that judges, in milliseconds. */
  attemptMs: number;
  /** Upper bound of one acceptance command, in milliseconds. */
  checkMs: number;
}

type Judged = { verdict: Verdict; detail: string };
/** Makes a fresh checkout of the merged tree the first time that it is asked, and gives that one from then on. */
export type OpenTree = () => Promise<Result<Room>>;
type Candidate = { ticket: Ticket; attempt: AttemptId; commit: CommitId };

/**
 * Judges a candidate on the merged tree. The acceptance commands run first: what fails there has failed. Where policy gives the
 * verifier's role to an agent program, its own run then judges, and without its verdict the candidate is unverified.
 */
export async function verify(
  parts: VerifierParts,
  candidate: Candidate,
  open: OpenTree,
  difference: () => Promise<string>,
): Promise<Judged> {
  const { brand } = parts;
  const contract = brand.contract('verifier');
  if (!contract.ok) return { verdict: 'unverified', detail: contract.failure.message };
  const judge = brand.roles.verifier;
  const run: RunId = brand.runs.newId();
  const accepted = await accept(parts, candidate, contract.value, open, run);
  if (judge === undefined || accepted.verdict !== 'pass') return give(parts, candidate, accepted, run);
  const runtime = parts.runtimes.find((one) => one.name === judge);
  if (!runtime) return { verdict: 'unverified', detail: `there is no runtime ${judge} to judge it` };
  const room = await open();
  if (!room.ok) return { verdict: 'unverified', detail: room.failure.message };
  const text = await difference();
  return judgeByRun(parts, candidate, contract.value, room.value, runtime, accepted.reasons, text);
}

/** A run of the acceptance commands under the verifier's contract, judged by their exit codes. */
async function accept(
  { brand, checkMs }: VerifierParts,
  { ticket, attempt }: Candidate,
  contract: AgentContract,
  open: OpenTree,
  run: RunId,
): Promise<{ verdict: Verdict; reasons: string[] }> {
  brand.runs.record(
    run,
    [
      {
        type: 'run.started',
        data: {
          run,
          role: 'verifier',
          ticket: ticket.id,
          attempt,
          runtime: 'command',
          contract: contract.digest,
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
    const room = await open();
    if (!room.ok) {
      verdict = 'unverified';
      reasons.push(room.failure.message);
      break;
    }
    const ended = await brand.rooms.command(room.value, command, {
      write: false,
      timeoutMs: checkMs,
      onOutput: (chunk) => transcript.write({ kind: 'stdout', text: chunk }),
    });
    const judged = judgeEnding(command, ended, 'exit');
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
  transcript.write({ kind: 'end', text: `${verdict}: ${reasons.join('; ')}` });
  await transcript.end();
  brand.runs.record(run, [{ type: 'run.ended', data: { run, outcome: 'done', reason: verdict } }], core);
  return { verdict, reasons };
}

/** The verdict of the run that carried the acceptance commands out. */
function give(
  { brand }: VerifierParts,
  { ticket, attempt, commit }: Candidate,
  { verdict, reasons }: { verdict: Verdict; reasons: string[] },
  run: RunId,
): Judged {
  const given = brand.tickets.execute(
    ticket.id,
    { type: 'submit-verdict', attempt, run, verdict: { ticket: ticket.id, commit, verdict, reasons } },
    { kind: 'run', run, role: 'verifier' },
  );
  return given.ok
    ? { verdict, detail: reasons.join('; ') }
    : { verdict: 'unverified', detail: given.failure.message };
}

async function judgeByRun(
  { brand, attemptMs }: VerifierParts,
  { ticket, attempt, commit }: Candidate,
  contract: AgentContract,
  room: Room,
  runtime: Runtime,
  acceptance: readonly string[],
  difference: string,
): Promise<Judged> {
  const run = brand.runs.newId();
  const brief = verifierBrief(ticket, contract, { commit, difference, acceptance });
  const refuse = (what: string) => () => Promise.resolve(fail('not-authorized', what));
  const end = await brand.runs.carryOut({
    id: run,
    resumes: null,
    contract,
    runtime,
    ticket: ticket.id,
    attempt,
    stage: 'verify',
    task: {
      ticket: ticket.id,
      title: ticket.draft.title,
      prompt: brief,
      command: ticket.draft.command ?? null,
      model: null,
    },
    room: {
      checkout: room.folder,
      baseObjects: room.baseObjects,
      prepared: room.prepared,
      base: commit,
    },
    network: [],
    grants: [],
    costCapUsd: ticket.draft.costCapUsd,
    spentUsd: brand.tickets.costUsd(ticket.id),
    inTicket: () => true,
    totalMs: attemptMs,
    reports: {
      result: refuse('a verifier gives a verdict, not a result'),
      comment: refuse('a verifier says it in its reasons'),
      verdict: (verdict) =>
        Promise.resolve(
          brand.tickets.execute(
            ticket.id,
            { type: 'submit-verdict', attempt, run, verdict },
            { kind: 'run', run, role: contract.name },
          ),
        ),
      brief: () => brief,
    },
  });
  const given = brand.tickets.get(ticket.id)?.verdicts.findLast((one) => one.run === run)?.verdict;
  return given
    ? { verdict: given.verdict, detail: given.reasons.join('; ') || `${runtime.title} says ${given.verdict}` }
    : { verdict: 'unverified', detail: `${runtime.title} gave no verdict: ${end.reason}` };
}
