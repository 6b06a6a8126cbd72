import { fail, ok } from '../../contract/errors.ts';
import type { HandoffView } from '../../contract/handoff.ts';
import { planState } from '../../domain/plan-gate.ts';
import { operator, type OperatorImplementation, type Scope } from './scope.ts';

/** What the operator decides about one ticket beside its approval: its plan, a question of its run, what it touches, a handoff. */
export function decisionHandlers(api: OperatorImplementation, scope: Scope) {
  const { openOf, brandsOf, ticketOf, command } = scope;
  return {
    plan: {
      show: api.plan.show.handler(({ input }) => {
        const found = ticketOf(input.id);
        if (!found.ok) return found;
        const { plan } = found.value.ticket;
        const plans = plan.versions.filter(
          (one) => input.version === undefined || one.version === input.version,
        );
        return ok({ ticket: input.id, state: planState(plan), plans });
      }),
      approve: api.plan.approve.handler(({ input: { id, version, note, commandId }, context }) =>
        command(id, () => ok({ type: 'approve-plan', version, note }), context, commandId),
      ),
      revise: api.plan.revise.handler(({ input: { id, version, note, commandId }, context }) =>
        command(id, () => ok({ type: 'revise-plan', version, note }), context, commandId),
      ),
    },
    question: {
      answer: api.question.answer.handler(({ input: { id, question, answer, commandId }, context }) =>
        command(id, () => ok({ type: 'answer', question, answer }), context, commandId),
      ),
    },
    checkpoint: {
      approve: api.checkpoint.approve.handler(({ input: { id, commit, note, commandId }, context }) =>
        command(id, () => ok({ type: 'approve-checkpoint', commit, note }), context, commandId),
      ),
      refuse: api.checkpoint.refuse.handler(({ input: { id, commit, note, commandId }, context }) =>
        command(id, () => ok({ type: 'refuse-checkpoint', commit, note }), context, commandId),
      ),
    },
    handoff: {
      write: api.handoff.write.handler(({ input, context }) => {
        const found = openOf(input.brand);
        if (!found.ok) return found;
        const { brand } = found.value;
        const { ticket } = input.handoff;
        if (ticket !== undefined && !brand.tickets.get(ticket))
          return fail('not-found', `brand ${brand.id} has no ticket ${ticket}`, 'see "atrium ticket list"');
        return brand.handoffs.write(input.handoff, operator(context));
      }),
      list: api.handoff.list.handler(({ input }) => {
        const brands = brandsOf(input.brand);
        if (!brands.ok) return brands;
        const all: HandoffView[] = [];
        for (const { brand } of brands.value) {
          const listed = brand.handoffs.list(input.ticket);
          if (!listed.ok) return listed;
          all.push(...listed.value);
        }
        return ok(all);
      }),
      read: api.handoff.read.handler(({ input, context }) => {
        const found = openOf(input.brand);
        return found.ok ? found.value.brand.handoffs.read(input.id, 'operator', operator(context)) : found;
      }),
    },
  };
}
