import { HandoffInput } from '../../../contract/handoff.ts';
import type { HandoffView } from '../../../contract/handoff.ts';
import { BrandId, brandOfTicket, CommitId, TicketId } from '../../../contract/ids.ts';
import type { PlanVersion } from '../../../contract/tickets.ts';
import { refuse, valueOf } from '../failure.ts';
import { freshCommandId, idOf } from '../ids.ts';
import { readInput } from '../input.ts';
import { table } from '../output.ts';
import { matching, whole } from '../program.ts';
import type { Group } from '../program.ts';

const note = (required: boolean, description: string) => ({
  flags: '--note <text>',
  description,
  ...(required ? { required: true } : {}),
});

/** What the operator decides beside approvals: `plan`, `checkpoint approve|refuse`, `ticket answer` and `handoff`. */
export function addDecisionCommands(program: Group, ticket: Group): void {
  addPlanCommands(program.group('plan', 'plans of tickets that are planned first'));
  addCheckpointCommands(program.group('checkpoint', 'what a candidate touches that a person decides about'));
  addHandoffCommands(program.group('handoff', 'what one attempt leaves for the next'));
  addRunOnly(program);

  ticket.add<{ text: string; question?: string }>(
    'answer <id>',
    'answer the question of a run',
    [
      { flags: '--text <text>', description: 'the answer', required: true },
      { flags: '--question <id>', description: 'which question, where there are several' },
    ],
    async ({ core, output }, { text, question }, given) => {
      const id = idOf(TicketId, given);
      const { client } = await core();
      const open = valueOf(await client.ticket.show({ id })).questions.filter((one) => one.answer === null);
      const meant = question ?? (open.length === 1 ? open[0]?.id : undefined);
      if (meant === undefined)
        refuse(
          'invalid-input',
          open.length === 0
            ? `${id} has no open question.`
            : `${id} has ${open.length} open questions: ${open.map((one) => `${one.id} (${one.text})`).join(', ')}.`,
          open.length === 0 ? 'See `atrium status`.' : 'Name one with --question.',
        );
      const told = valueOf(
        await client.question.answer({ commandId: freshCommandId(), id, question: meant, answer: text }),
      );
      output.value(told, () => `${id} is answered.`);
    },
  );
  ticket.add(
    'acknowledge <id>',
    'take note that a ticket stopped by itself',
    [],
    async ({ core, output }, _options, given) => {
      const id = idOf(TicketId, given);
      const { client } = await core();
      const told = valueOf(await client.ticket.acknowledge({ commandId: freshCommandId(), id }));
      output.value(told, () => `${id} waits no longer.`);
    },
  );
}

function addPlanCommands(plan: Group): void {
  const version = {
    flags: '--revision <n>',
    description: 'the version that was read',
    read: whole(1, 10_000),
  };
  plan.add<{ revision?: number }>(
    'show <id>',
    'the plan of a ticket with its revisions',
    [version],
    async ({ core, output }, { revision }, given) => {
      const id = idOf(TicketId, given);
      const { client } = await core();
      const shown = valueOf(
        await client.plan.show({ id, ...(revision === undefined ? {} : { version: revision }) }),
      );
      output.value(shown, () =>
        shown.plans.length === 0
          ? `${id} has no plan yet (${shown.state}).`
          : shown.plans.map(describePlan).join('\n\n'),
      );
    },
  );
  plan.add<{ revision: number; note?: string }>(
    'approve <id>',
    'approve the version of a plan that was read',
    [{ ...version, required: true }, note(false, 'what to mind')],
    async ({ core, output }, { revision, note: said = '' }, given) => {
      const id = idOf(TicketId, given);
      const { client } = await core();
      const told = valueOf(
        await client.plan.approve({ commandId: freshCommandId(), id, version: revision, note: said }),
      );
      output.value(told, () => `Version ${revision} of the plan of ${id} is approved.`);
    },
  );
  plan.add<{ revision: number; note: string }>(
    'revise <id>',
    'send the version of a plan that was read back with a note',
    [{ ...version, required: true }, note(true, 'what to do differently')],
    async ({ core, output }, { revision, note: said }, given) => {
      const id = idOf(TicketId, given);
      const { client } = await core();
      const told = valueOf(
        await client.plan.revise({ commandId: freshCommandId(), id, version: revision, note: said }),
      );
      output.value(told, () => `Version ${revision} of the plan of ${id} is sent back.`);
    },
  );
}

function describePlan({ version, text, run, at, review }: PlanVersion): string {
  const word =
    review === null
      ? 'waits for a review'
      : `${review.decision === 'approved' ? 'approved' : 'sent back'} by ${review.by}${review.note === '' ? '' : `: ${review.note}`}`;
  return `Version ${version}, ${at}, by ${run}; ${word}\n\n${text}`;
}

function addCheckpointCommands(checkpoint: Group): void {
  const commit = {
    flags: '--commit <id>',
    description: 'the full id of the commit that was looked at',
    required: true,
    read: matching(CommitId),
  };
  checkpoint.add<{ commit: CommitId; note?: string }>(
    'approve <id>',
    'let exactly this commit pass with what it touches',
    [commit, note(false, 'why')],
    async ({ core, output }, { commit: looked, note: said = '' }, given) => {
      const id = idOf(TicketId, given);
      const { client } = await core();
      const told = valueOf(
        await client.checkpoint.approve({ commandId: freshCommandId(), id, commit: looked, note: said }),
      );
      output.value(told, () => `What ${looked} touches is approved.`);
    },
  );
  checkpoint.add<{ commit: CommitId; note: string }>(
    'refuse <id>',
    'block the ticket for what its commit touches',
    [commit, note(true, 'why')],
    async ({ core, output }, { commit: looked, note: said }, given) => {
      const id = idOf(TicketId, given);
      const { client } = await core();
      const told = valueOf(
        await client.checkpoint.refuse({ commandId: freshCommandId(), id, commit: looked, note: said }),
      );
      output.value(told, () => `${id} is blocked.`);
    },
  );
}

function addHandoffCommands(handoff: Group): void {
  handoff.add<{ brand: BrandId; file: string }>(
    'write',
    'leave a handoff, from a file of JSON or YAML',
    [
      { flags: '--brand <id>', description: 'whose', required: true, read: matching(BrandId) },
      { flags: '--file <file>', description: 'from, to, ticket, context; - reads stdin', required: true },
    ],
    async ({ core, output }, { brand, file }) => {
      const input = await readInput(file, HandoffInput);
      const { client } = await core();
      const written = valueOf(
        await client.handoff.write({ commandId: freshCommandId(), brand, handoff: input }),
      );
      output.value(written, () => `The handoff ${written.id} is kept.`);
    },
  );
  handoff.add<{ brand?: BrandId; ticket?: TicketId }>(
    'read [id]',
    'the handoffs that there are, or one of them, which then counts as read',
    [
      { flags: '--brand <id>', description: 'whose', read: matching(BrandId) },
      { flags: '--ticket <id>', description: 'about which ticket', read: matching(TicketId) },
    ],
    async ({ core, output }, { brand, ticket }, id) => {
      const { client } = await core();
      const of = brand ?? (ticket === undefined ? undefined : brandOfTicket(ticket));
      if (id === undefined) {
        const filter = { ...(of === undefined ? {} : { brand: of }), ...(ticket ? { ticket } : {}) };
        const all = valueOf(await client.handoff.list(filter));
        output.value(all, () =>
          table(['ID', 'FROM', 'TO', 'TICKET', 'UNREAD'], all.map(rowOf), 'There is no handoff.'),
        );
        return;
      }
      if (of === undefined) refuse('usage', 'handoff read needs the brand.', 'Give --brand.');
      const one = valueOf(await client.handoff.read({ brand: of, id }));
      output.value(one, () => JSON.stringify(one, undefined, 2));
    },
  );
}

function rowOf({ id, from, to, ticket, read, unreadMs }: HandoffView): string[] {
  return [id, from, to, ticket ?? '', read ? '' : `${Math.round(unreadMs / 60_000)} min`];
}

/** What is a run's own: inside the walls the same words work. */
function addRunOnly(program: Group): void {
  for (const [name, description] of [
    ['submit', 'a run reports its plan, its result or its verdict'],
    ['ask', 'a run asks the operator'],
    ['mcp', 'the tools of a run, over the Model Context Protocol on stdio'],
  ] as const)
    program.command
      .command(name)
      .description(`${description} (inside a run)`)
      .argument('[anything...]')
      .allowUnknownOption()
      .action(() =>
        refuse(
          'not-authorized',
          `atrium ${name} works inside a run only: it speaks on the run's own socket.`,
          'The operator has commands of their own; see `atrium --help`.',
        ),
      );
}
