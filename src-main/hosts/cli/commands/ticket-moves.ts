import { TicketId } from '../../../contract/ids.ts';
import type { Result } from '../../../contract/errors.ts';
import { KnownRuntime, RuntimeName } from '../../../contract/tickets.ts';
import type { TicketSummary } from '../../../contract/tickets.ts';
import type { CommandContext } from '../context.ts';
import { refuse, valueOf } from '../failure.ts';
import { freshCommandId, idOf } from '../ids.ts';
import { matching } from '../program.ts';
import type { Group } from '../program.ts';

/** `ticket approve`, `return`, `block`, `comment` and `reassign`. */
export function addTicketMoveCommands(ticket: Group): void {
  ticket.add<{ hash?: string }>(
    'approve <id...>',
    'approve exactly one ticket, by the hash that was shown',
    [{ flags: '--hash <hash>', description: 'the hash of the text that was read' }],
    async (context, { hash }, ...ids) => {
      if (ids.length !== 1) {
        refuse(
          'invalid-input',
          `ticket approve takes exactly one id and got ${ids.length}.`,
          'Approve each by itself.',
        );
      }
      const id = idOf(TicketId, ids[0]);
      if (hash === undefined) {
        refuse(
          'usage',
          'ticket approve needs the hash that was shown.',
          `Give --hash; \`atrium ticket show ${id}\` shows it.`,
        );
      }
      const { client } = await context.core();
      moved(context, await client.ticket.approve({ commandId: freshCommandId(), id, hash }), 'approved');
    },
  );

  ticket.add<{ note: string }>(
    'return <id>',
    'send a ticket back with a note',
    [{ flags: '--note <text>', description: 'what is to be done differently', required: true }],
    async (context, { note }, given) => {
      const id = idOf(TicketId, given);
      const { client } = await context.core();
      moved(context, await client.ticket.return({ commandId: freshCommandId(), id, note }), 'returned');
    },
  );

  ticket.add<{ reason: string }>(
    'block <id>',
    'end a ticket without a merge',
    [{ flags: '--reason <text>', description: 'why', required: true }],
    async (context, { reason }, given) => {
      const id = idOf(TicketId, given);
      const { client } = await context.core();
      moved(context, await client.ticket.block({ commandId: freshCommandId(), id, reason }), 'blocked');
    },
  );

  ticket.add<{ text: string }>(
    'comment <id>',
    'say something on a ticket',
    [{ flags: '--text <text>', description: 'what to say', required: true }],
    async (context, { text }, given) => {
      const id = idOf(TicketId, given);
      const { client } = await context.core();
      moved(context, await client.ticket.comment({ commandId: freshCommandId(), id, text }), 'commented');
    },
  );

  ticket.add<{ runtime: RuntimeName }>(
    'reassign <id>',
    'give a ticket to another runtime',
    [
      {
        flags: '--runtime <name>',
        description: `${KnownRuntime.options.join(', ')}, or acp-<name>`,
        required: true,
        read: matching(RuntimeName),
      },
    ],
    async (context, { runtime }, given) => {
      const id = idOf(TicketId, given);
      const { client } = await context.core();
      moved(
        context,
        await client.ticket.reassign({ commandId: freshCommandId(), id, runtime }),
        'reassigned',
      );
    },
  );
}

function moved({ output }: CommandContext, result: Result<TicketSummary>, what: string): void {
  const ticket = valueOf(result);
  output.value(ticket, () => `${ticket.id} is ${what}; its state is ${ticket.state}.`);
}
