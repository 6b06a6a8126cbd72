import type { TicketDraftInput } from '../../../src-main/contract/tickets.ts';

const titleAtMost = 200;

/** A sentence as a draft: what does not fit a title goes, whole, into the description. */
export function draftOf(text: string): TicketDraftInput {
  const said = text.trim();
  const line = said.replace(/\s+/g, ' ');
  if (line.length <= titleAtMost && line === said) return { title: line };
  const first = /^.*?[.?!](?=\s)/.exec(line)?.[0].replace(/\.$/, '') ?? line;
  const title = first.length <= titleAtMost ? first : `${first.slice(0, titleAtMost - 1).trimEnd()}…`;
  return { title, description: said };
}
