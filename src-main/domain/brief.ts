import type { AgentContract } from '../contract/config.ts';
import { branchOfTicket } from '../contract/ids.ts';
import { INSIDE } from './sandbox-profile.ts';
import type { Ticket } from './ticket.ts';

/** Wiki extracts for a brief: plain text with the page that it stands on. */
export interface Extract {
  page: string;
  text: string;
}

/** The brief of an executor: the first prompt, and a file in its room. One task, and how it is judged. */
export function executorBrief(ticket: Ticket, contract: AgentContract, extracts: readonly Extract[]): string {
  const { draft } = ticket;
  const failed = ticket.attempts.filter(
    (attempt) => attempt.state === 'failed' || attempt.state === 'unverified',
  );
  const sections = [
    `# ${ticket.id}: ${draft.title}`,
    draft.description,
    section('Why', draft.why),
    section('Your role', contract.instructions),
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
        'Commit your work in the checkout (small commits, no push). Then submit the result of your last commit, either with',
        `\`atrium submit result --summary "what you did"\`, or by ending your last message with this block:`,
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

function section(title: string, text: string): string {
  return text.trim() === '' ? '' : `## ${title}\n${text.trim()}`;
}

function bullets(lines: readonly string[]): string {
  return lines.map((line) => `- ${line}`).join('\n');
}
