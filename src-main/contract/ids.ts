import { z } from 'zod';

/** A brand's id: it names every path of the brand (`wiki/<id>/`, `brands/<id>/`) and stands in every ticket id. */
export const BrandId = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,31}$/,
    'a brand id is 1 to 32 characters: a small letter first, then small letters, digits, "-"',
  )
  .brand('BrandId');
export type BrandId = z.infer<typeof BrandId>;

/** `T-<brand>-<n>`, unique in the workspace. */
export const TicketId = z
  .string()
  .regex(/^T-[a-z][a-z0-9-]{0,31}-[1-9][0-9]{0,8}$/, 'a ticket id reads T-<brand>-<number>')
  .brand('TicketId');
export type TicketId = z.infer<typeof TicketId>;

/** `<ticket>.<n>`: the n-th attempt of a ticket. */
export const AttemptId = z
  .string()
  .regex(/^T-[a-z][a-z0-9-]{0,31}-[1-9][0-9]{0,8}\.[1-9][0-9]{0,3}$/)
  .brand('AttemptId');
export type AttemptId = z.infer<typeof AttemptId>;

/** One agent process. */
export const RunId = z
  .string()
  .regex(/^R-[a-z0-9-]{4,64}$/)
  .brand('RunId');
export type RunId = z.infer<typeof RunId>;

/** A question of the guard to the operator: `A-<brand>-<random>`. */
export const AskId = z
  .string()
  .regex(/^A-[a-z0-9-]{4,64}$/, 'the id of a question reads A-<brand>-<letters and digits>')
  .brand('AskId');
export type AskId = z.infer<typeof AskId>;

/** A command's id: a repeat of the command returns its receipt. */
export const CommandId = z.string().min(8).max(200).brand('CommandId');
export type CommandId = z.infer<typeof CommandId>;

/** A full git commit id. */
export const CommitId = z
  .string()
  .regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/, 'a full commit id: 40 or 64 hexadecimal digits');
export type CommitId = z.infer<typeof CommitId>;

/** The brand that a ticket id names. */
export function brandOfTicket(ticket: TicketId): BrandId {
  return ticket.slice(2, ticket.lastIndexOf('-')) as BrandId;
}

/** The branch of a ticket's checkout. */
export function branchOfTicket(ticket: TicketId): string {
  return `atrium/${ticket}`;
}
