import type { TicketDetail } from '../../../src-main/contract/tickets.ts';
import { money } from '../../format.ts';
import { t } from '../../strings/en.ts';

type Risky = Pick<
  TicketDetail,
  | 'paths'
  | 'acceptance'
  | 'network'
  | 'grants'
  | 'runtime'
  | 'checks'
  | 'costCapUsd'
  | 'title'
  | 'description'
>;

const none = (command: string) => command.trim() === '' || command.trim() === 'none';

const kinds: [RegExp, string][] = [
  [/(^|\/)(migrations?|schema)(\/|\.|$)|\.sql$/i, t.risks.migration],
  [
    /(^|\/)(auth|security|secrets?|crypto|permissions?)(\/|\.|$)|\.pem$|\.key$|(^|\/)\.env/i,
    t.risks.security,
  ],
  [
    /(^|\/)(\.github|\.gitlab-ci|deploy|infra|terraform|k8s|helm|docker)|dockerfile|production/i,
    t.risks.production,
  ],
  [
    /(^|\/)(package(-lock)?\.json|pnpm-lock\.yaml|yarn\.lock|cargo\.(toml|lock)|go\.(mod|sum)|requirements.*\.txt|pyproject\.toml|uv\.lock)$/i,
    t.risks.dependencies,
  ],
  [/(^|\/)(api|openapi|graphql|proto)(\/|\.|$)|\.proto$/i, t.risks.api],
];

const dearUsd = 25;

/** What could go wrong with a ticket, in plain sentences: read from what it may do, not from what it says of itself. */
export function risksOf(ticket: Risky): string[] {
  const risks: string[] = [];
  if (ticket.paths.length === 0) risks.push(t.risks.everything);
  for (const [pattern, sentence] of kinds) {
    const found = ticket.paths.find((path) => pattern.test(path));
    if (found !== undefined) risks.push(`${sentence} (${found})`);
  }
  if (ticket.network.length > 0) risks.push(t.risks.network(ticket.network.join(', ')));
  if (ticket.grants.length > 0) risks.push(t.risks.grants(ticket.grants.join(', ')));
  if (none(ticket.checks.test) && ticket.acceptance.length === 0) risks.push(t.risks.unchecked);
  else if (ticket.acceptance.length === 0) risks.push(t.risks.noAcceptance);
  if (ticket.costCapUsd >= dearUsd) risks.push(t.risks.dear(money(ticket.costCapUsd)));
  return risks;
}

/** Whether a ticket that is for a command has none: nothing could be approved. */
export function needsCommand(ticket: Pick<TicketDetail, 'runtime' | 'command' | 'commit'>): boolean {
  return ticket.runtime === 'command' && ticket.command === null && ticket.commit === null;
}
