import type { AgentContract } from '../contract/config.ts';
import type { Handoff } from '../contract/handoff.ts';
import { branchOfTicket } from '../contract/ids.ts';
import { INSIDE } from './inside.ts';
import { approvedPlan } from './plan-gate.ts';
import type { Ticket } from './ticket.ts';

/** Wiki extracts for a brief: plain text with the page that it stands on. */
export interface Extract {
  page: string;
  text: string;
}

/**
 * Who a run is and what it may do, from its contract: the part of every brief that says so in words. What enforces it stands
 * elsewhere.
 */
export function roleBrief(contract: AgentContract): string {
  const directs = contract.tools.includes('spawn');
  const preamble = directs
    ? [
        'You direct and do no work yourself: you never edit files, run commands or explore.',
        `You may start these roles and no others: ${contract.mayCall.join(', ')}.`,
      ]
    : [
        'You carry out one task, this one, and then you end.',
        'You use your tools directly: you start no other agents, keep no tickets and ask the operator nothing but through your report.',
        'Every file that you report is named by its absolute path.',
      ];
  return [
    section('Your role', [contract.role, contract.instructions].filter(Boolean).join('\n\n')),
    section('Your goal', contract.goal ?? ''),
    section('Where you come from', contract.backstory ?? ''),
    section(
      'What holds for you',
      [
        ...preamble.map((line) => `- ${line}`),
        `- You read ${places(contract.reads)} and write ${places(contract.writes)}.`,
        ...(contract.owns.length > 0
          ? [`- Of the repository you write ${contract.owns.join(', ')} alone.`]
          : []),
        `- Your tools are of these kinds: ${contract.tools.join(', ')}; any other call is denied, with the reason.`,
        ...contract.rules.map((rule) => `- ${rule.decision}: ${rule.reason}`),
      ].join('\n'),
    ),
  ]
    .filter((text) => text !== '')
    .join('\n\n');
}

function places(named: readonly string[]): string {
  return named.length === 0
    ? 'nothing'
    : named.map((place) => (place === 'checkout' ? 'your checkout' : place)).join(', ');
}

/** The brief of an executor: the first prompt, and a file in its room. One task, and how it is judged. */
export function executorBrief(
  ticket: Ticket,
  contract: AgentContract,
  extracts: readonly Extract[],
  handoffs: readonly Handoff[] = [],
): string {
  const { draft } = ticket;
  const failed = ticket.attempts.filter(
    (attempt) => attempt.state === 'failed' || attempt.state === 'unverified',
  );
  const sections = [
    `# ${ticket.id}: ${draft.title}`,
    draft.description,
    section('Why', draft.why),
    roleBrief(contract),
    section(
      'Where',
      [
        `The checkout is ${INSIDE.checkout}, on branch ${branchOfTicket(ticket.id)}. Name files by absolute path.`,
        draft.paths.length > 0
          ? `Change only these paths; anything else fails the gate:\n${bullets(draft.paths)}`
          : 'You may change any file of the repository.',
      ].join('\n'),
    ),
    section(
      'How it is checked',
      [
        'Atrium merges your commit with main and runs these there itself; what you say about them decides nothing:',
        bullets(
          [ticket.checks.test, ticket.checks.lint, ...draft.acceptance].filter(
            (command) => command !== 'none',
          ),
        ) || '- the paths that changed',
      ].join('\n'),
    ),
    section('Cost cap', `${draft.costCapUsd.toFixed(2)} USD; model calls end there.`),
    section('Network', draft.network.length > 0 ? bullets(draft.network) : 'None beside your model.'),
    section('The plan that was approved', approvedPlan(ticket.plan)?.text ?? ''),
    answers(ticket),
    section('Handed over to you', handoffs.map(handedOver).join('\n\n')),
    section(
      'Earlier attempts',
      failed.length > 0
        ? bullets(failed.map((attempt) => `${attempt.id} ${attempt.state}: ${attempt.reason}`))
        : '',
    ),
    section('Comments', bullets(ticket.comments.map((comment) => `${comment.by}: ${comment.text}`))),
    section('From the wiki', extracts.map((extract) => `${extract.page}:\n${extract.text}`).join('\n\n')),
    section(
      'How you end',
      [
        'Commit your work in the checkout (small commits, no push). Then submit the result of your last commit, with the tool',
        '`submit_result`, with `atrium submit result --summary "what you did"`, or by ending your last message with this block:',
        '',
        '```atrium-result',
        `{"ticket": "${ticket.id}", "commit": "<full id of your last commit>", "summary": "what you did",`,
        ' "commands": [{"command": "npm test", "exitCode": 0}], "files": ["path"]}',
        '```',
        '',
        'Without it there is no result. Saying that it is done is not enough.',
      ].join('\n'),
    ),
  ];
  return `${sections.filter((text) => text.trim() !== '').join('\n\n')}\n`;
}

/** What the operator answered to the runs of a ticket. */
export function answers(ticket: Ticket): string {
  return section(
    'What the operator answered',
    ticket.questions
      .filter((one) => one.answer !== null)
      .map((one) => `- ${one.text}\n  ${one.answer ?? ''}`)
      .join('\n'),
  );
}

function handedOver({ from, timestamp, context }: Handoff): string {
  const part = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [`${title}:\n${bullets(lines)}`];
  return [
    `From ${from}, ${timestamp}`,
    ...part('Completed', context.completed),
    ...part('Next steps', context.next_steps),
    ...part('Blockers', context.blockers),
    ...(context.notes === '' ? [] : [context.notes]),
  ].join('\n');
}

export function section(title: string, text: string): string {
  return text.trim() === '' ? '' : `## ${title}\n${text.trim()}`;
}

export function bullets(lines: readonly string[]): string {
  return lines.map((line) => `- ${line}`).join('\n');
}
