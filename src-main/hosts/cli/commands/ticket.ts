import { BrandId, TicketId } from '../../../contract/ids.ts';
import { TicketDraft, TicketState } from '../../../contract/tickets.ts';
import type { TicketDetail } from '../../../contract/tickets.ts';
import { valueOf } from '../failure.ts';
import { freshCommandId, idOf } from '../ids.ts';
import { readInput } from '../input.ts';
import { dollars, facts, table } from '../output.ts';
import { oneOf } from '../program.ts';
import type { Group } from '../program.ts';

/** `ticket draft`, `edit`, `list` and `show`; gives the group back for what moves tickets. */
export function addTicketCommands(program: Group): Group {
  const ticket = program.group('ticket', 'the units of work');

  ticket.add<{ brand: string; file: string }>(
    'draft',
    'draft a ticket from a file of YAML or JSON',
    [
      { flags: '--brand <id>', description: 'the brand it is for', required: true },
      { flags: '--file <file>', description: 'the draft; - is stdin', required: true },
    ],
    async ({ output, core }, options) => {
      const brand = idOf(BrandId, options.brand);
      const draft = await readInput(options.file, TicketDraft);
      const { client } = await core();
      const drafted = valueOf(await client.ticket.draft({ commandId: freshCommandId(), brand, draft }));
      output.value(drafted, () => describe(drafted));
    },
  );

  ticket.add<{ file: string }>(
    'edit <id>',
    'change a draft; of a ready ticket a successor is drafted',
    [{ flags: '--file <file>', description: 'the draft; - is stdin', required: true }],
    async ({ output, core }, options, given) => {
      const id = idOf(TicketId, given);
      const draft = await readInput(options.file, TicketDraft);
      const { client } = await core();
      const edited = valueOf(await client.ticket.edit({ commandId: freshCommandId(), id, draft }));
      output.value(edited, () => describe(edited));
    },
  );

  ticket.add<{ state?: TicketState; brand?: string; available?: boolean }>(
    'list',
    'all tickets',
    [
      {
        flags: '--state <state>',
        description: TicketState.options.join(', '),
        read: oneOf(TicketState.options),
      },
      { flags: '--brand <id>', description: 'of this brand only' },
      { flags: '--available', description: "approved, in nobody's hands, every dependency merged" },
    ],
    async ({ output, core }, options) => {
      const brand = options.brand === undefined ? {} : { brand: idOf(BrandId, options.brand) };
      const { client } = await core();
      const state = options.state === undefined ? {} : { state: options.state };
      const tickets = valueOf(
        await client.ticket.list({ ...brand, ...state, available: options.available === true }),
      );
      output.value(tickets, () =>
        table(
          ['TICKET', 'STATE', 'PRIORITY', 'TITLE', ''],
          tickets.map((each) => [
            each.id,
            each.state,
            String(each.priority),
            each.title,
            each.blockedReason?.split('\n')[0] ?? '',
          ]),
          'No ticket.',
        ),
      );
    },
  );

  ticket.add(
    'show <id>',
    'one ticket: what is approved, and what happened',
    [],
    async ({ output, core }, _options, given) => {
      const id = idOf(TicketId, given);
      const { client } = await core();
      const shown = valueOf(await client.ticket.show({ id }));
      output.value(shown, () => describe(shown));
    },
  );
  return ticket;
}

function describe(ticket: TicketDetail): string {
  const head = facts([
    ['Ticket', ticket.id],
    ['Title', ticket.title],
    ['State', ticket.state],
    ['', ticket.reason],
    ['Blocked', ticket.blockedReason],
    ['Description', ticket.description],
    ['Why', ticket.why],
    ['Repository', ticket.repository],
    ['Paths', ticket.paths.length === 0 ? 'the whole repository' : ticket.paths.join('\n')],
    ['Acceptance', ticket.acceptance.length === 0 ? 'none' : ticket.acceptance.join('\n')],
    ['Runtime', ticket.runtime],
    ['Command', ticket.command],
    ['Model', ticket.model ?? ticket.modelClass],
    ['Mode', ticket.mode],
    ['Depends on', ticket.dependsOn.join(', ')],
    ['Network', ticket.network.join(', ')],
    ['Grants', ticket.grants.join(', ')],
    ['Contract', ticket.contract],
    ['Rules', (ticket.rules ?? []).map((rule) => `${rule.decision} ${rule.name}: ${rule.reason}`).join('\n')],
    ['Cost', `${dollars(ticket.costUsd)} of at most ${dollars(ticket.costCapUsd)}`],
    ['Successor', ticket.successor],
    ['Hash', ticket.hash],
  ]);
  const timeline = facts(ticket.timeline.map((entry) => [entry.at, entry.text]));
  return timeline === '' ? head : `${head}\n\n${timeline}`;
}
