import type { BrandEvent } from '../contract/events.ts';
import { plural } from './plural.ts';

const short = (commit: string) => commit.slice(0, 10);

/** Each event of a brand's log in words, present tense, without the ticket's id. */
export function explain(event: BrandEvent): string {
  switch (event.type) {
    case 'ticket.drafted':
      return event.data.predecessor ? `drafted as the successor of ${event.data.predecessor}` : 'drafted';
    case 'ticket.edited':
      return 'edited';
    case 'ticket.approved':
      return `approved as ${event.data.hash.slice(0, 12)}`;
    case 'ticket.returned':
      return `sent back: ${event.data.note}`;
    case 'ticket.commented':
      return event.data.text;
    case 'ticket.reassigned':
      return `reassigned to ${event.data.runtime}`;
    case 'ticket.blocked':
      return event.data.successor
        ? `blocked (${event.data.reason}): ${event.data.detail}; goes on as ${event.data.successor}`
        : `blocked (${event.data.reason}): ${event.data.detail}`;
    case 'ticket.imported':
      return 'imported from tickets.jsonl';
    case 'ticket.started':
      return 'dispatched';
    case 'ticket.acknowledged':
      return 'the operator has seen that it stopped';
    case 'plan.started':
      return `a run of ${event.data.runtime} writes the plan, on ${short(event.data.base)}`;
    case 'plan.submitted':
      return `version ${event.data.version} of the plan is submitted`;
    case 'plan.ended':
      return event.data.outcome === 'submitted'
        ? 'the planning run has stopped; the plan waits'
        : `the planning run ended without a plan (${event.data.outcome}): ${event.data.reason}`;
    case 'plan.review-started':
      return `a reviewer reads version ${event.data.version} of the plan`;
    case 'plan.approved':
      return `version ${event.data.version} of the plan is approved${event.data.note ? `: ${event.data.note}` : ''}`;
    case 'plan.revision-asked':
      return `version ${event.data.version} of the plan is sent back: ${event.data.note}`;
    case 'question.asked':
      return `${event.data.about === undefined ? 'the run' : 'the gate'} asks: ${event.data.text}`;
    case 'question.answered':
      return `the operator answers: ${event.data.answer}`;
    case 'checkpoint.raised':
      return `${short(event.data.commit)} waits for the operator: ${event.data.hits.map((hit) => `${hit.path} (${hit.rule})`).join(', ')}`;
    case 'checkpoint.approved':
      return `what ${short(event.data.commit)} touches is approved${event.data.note ? `: ${event.data.note}` : ''}`;
    case 'checkpoint.refused':
      return `what ${short(event.data.commit)} touches is refused: ${event.data.note}`;
    case 'wiki.write-requested':
      return `the run asks the librarian to write: ${event.data.text}`;
    case 'handoff.written':
      return `${event.data.from} leaves a handoff for ${event.data.to}`;
    case 'handoff.read':
      return `the handoff ${event.data.handoff} is read by ${event.data.by}`;
    case 'attempt.started':
      return `attempt ${event.data.attempt} starts with ${event.data.runtime} on ${short(event.data.base)}`;
    case 'attempt.ended':
      return `attempt ${event.data.attempt} ${event.data.outcome}: ${event.data.reason}`;
    case 'result.submitted':
      return `the executor submits ${short(event.data.result.commit)}: ${event.data.result.summary}`;
    case 'ticket.submitted':
      return `candidate ${short(event.data.commit)} taken, ${plural(event.data.commits, 'commit')}`;
    case 'verdict.submitted':
      return `the verifier says ${event.data.verdict.verdict}: ${event.data.verdict.reasons.join('; ') || 'no reasons given'}`;
    case 'gate.reported': {
      const held = event.data.report.conditions.filter((condition) => condition.outcome !== 'pass');
      return held.length === 0
        ? `the gate passes: ${event.data.report.conditions.map((c) => c.name).join(', ')}`
        : `the gate says ${event.data.report.outcome}: ${held.map((c) => `${c.name}: ${c.detail}`).join('; ')}`;
    }
    case 'gate.waiting':
      return event.data.detail;
    case 'merge.began':
      return `every condition holds: ${short(event.data.commit)} goes onto ${short(event.data.onto)}`;
    case 'ticket.merged':
      return `merged into ${event.data.branch} as ${short(event.data.commit)}`;
    case 'merge.published':
      return `after the merge (${event.data.rule}): ${event.data.detail}`;
    case 'run.started':
      return `a run of ${event.data.role} starts (${event.data.runtime})`;
    case 'run.proved':
      return `${plural(event.data.canaries, 'canary', 'canaries')} denied before the launch; limits: ${event.data.limits}`;
    case 'run.session':
      return `it works in the session ${event.data.session}`;
    case 'run.used':
      return `${event.data.model}: ${event.data.inputTokens} tokens in, ${event.data.outputTokens} out`;
    case 'run.ended':
      return `the run ends, ${event.data.outcome}: ${event.data.reason}`;
    case 'guard.decided':
      return `${event.data.decision} ${event.data.tool}${event.data.moment === 'after' ? ', looked at afterwards,' : ''} by rule ${event.data.rule}: ${event.data.reason}`;
    case 'guard.asked':
      return `asks the operator about ${event.data.tool} (${event.data.text}) by rule ${event.data.rule}: ${event.data.reason}`;
    case 'guard.answered':
      return `the operator says ${event.data.decision}${event.data.note === '' ? '' : `: ${event.data.note}`}`;
    case 'guard.expired':
      return `a question to the operator ends as a denial: ${event.data.reason}`;
    case 'layers.proved': {
      const missing = event.data.layers.filter((proof) => !proof.live);
      return missing.length === 0
        ? 'the four layers proved: each denies its canaries'
        : `the four layers proved; not live: ${missing.map((proof) => `${proof.layer}, ${proof.detail}`).join('; ')}`;
    }
    case 'repository.added':
      return `repository ${event.data.name} added, branch ${event.data.branch}`;
    case 'repository.proved':
      return `checks of ${event.data.name} on ${short(event.data.commit)}: ${event.data.baseline}, ${event.data.detail}`;
    case 'branch.moved':
      return event.data.forward
        ? `the branch of ${event.data.name} went on to ${short(event.data.to)} by other hands`
        : `the branch of ${event.data.name} was moved from ${short(event.data.from)} to ${short(event.data.to)}, which does not hold it: nothing is built on it until the operator says so`;
    case 'branch.accepted':
      return `the operator accepts ${short(event.data.commit)} as the branch of ${event.data.name}`;
    case 'page.written':
      return `${event.data.authority} writes ${event.data.page}`;
    case 'finding.recorded':
      return `finding, ${event.data.confidence}: ${event.data.claim}`;
    case 'checkout.removed':
      return event.data.saved
        ? `checkout removed (${event.data.reason}); what was left is kept as ${event.data.saved}`
        : `checkout removed (${event.data.reason})`;
  }
}
