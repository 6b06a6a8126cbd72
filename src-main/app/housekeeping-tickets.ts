import type { Actor } from '../contract/events.ts';
import type { BrandId } from '../contract/ids.ts';
import type { DoctorReport } from '../contract/doctor.ts';
import { TicketDraft } from '../contract/tickets.ts';
import { CHECK_TITLES } from '../domain/doctor.ts';
import type { Ticket } from '../domain/ticket.ts';
import type { Brand } from './brand.ts';

type Deviation = DoctorReport['deviations'][number];

const core: Actor = { kind: 'core', part: 'doctor' };

/**
 * At a start: what the doctor found and nobody put right becomes one ticket a brand, so that nothing of one brand is told in
 * another; what is the workspace's own stands in the first brand's. A ticket that is there is brought up to date, and one that
 * the operator blocked is not made again for the same checks. Gives back the tickets that are open then.
 */
export function raiseHousekeeping(brands: readonly Brand[], report: DoctorReport): Ticket[] {
  return brands.flatMap((brand) => {
    const deviations = deviationsOf(brand.id, brands[0]?.id, report);
    if (deviations.length === 0) return [];
    const content = brand.content(asDraft(deviations));
    if (!content.ok) return [];
    const own = brand.tickets.housekeeping();
    const open = own.find((ticket) => ticket.state === 'draft');
    if (open) {
      if (open.draft.description === content.value.draft.description) return [open];
      const edited = brand.tickets.execute(open.id, { type: 'edit', ...content.value }, core);
      return edited.ok ? [edited.value] : [open];
    }
    const last = own.at(-1);
    if (last?.blocked?.reason === 'operator' && last.draft.title === content.value.draft.title) return [];
    const id = `housekeeping:${own.length + 1}`;
    const made = brand.tickets.draft({ ...content.value, housekeeping: true }, core, null, id);
    return made.ok ? [made.value] : [];
  });
}

/** After an examination of the whole workspace: a ticket whose deviations are gone closes by itself. */
export function settleHousekeeping(brands: readonly Brand[], report: DoctorReport): void {
  for (const brand of brands) {
    if (deviationsOf(brand.id, brands[0]?.id, report).length > 0) continue;
    for (const ticket of brand.tickets.housekeeping())
      if (ticket.state === 'draft')
        brand.tickets.execute(
          ticket.id,
          { type: 'block', reason: 'settled', detail: 'every check holds again', successor: null },
          core,
          `settled:${ticket.id}`,
        );
  }
}

function deviationsOf(brand: BrandId, first: BrandId | undefined, report: DoctorReport): Deviation[] {
  return report.deviations.filter((one) => (one.brand ?? first) === brand);
}

/** Its title names the checks, so that the same deviations make the same title. */
function asDraft(deviations: readonly Deviation[]): TicketDraft {
  const numbers = [...new Set(deviations.map(({ number }) => number))];
  const which = numbers.length === 1 ? `check ${numbers.join()} does` : `checks ${numbers.join(', ')} do`;
  const lines = deviations.map(
    ({ number, detail }) => `- Check ${number}, ${CHECK_TITLES[number - 1] ?? ''}: ${detail}`,
  );
  return TicketDraft.parse({
    title: `Housekeeping: ${which} not hold`,
    description: `${lines.join('\n')}\n\nNothing is carried out or merged for this ticket. Put right what it names; it closes by itself when the doctor finds that the checks hold again.`,
    why: 'What the doctor found and Atrium could not put right by itself.',
    priority: 1,
  });
}
