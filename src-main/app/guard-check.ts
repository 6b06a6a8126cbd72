import { normalize, resolve } from 'node:path';
import { TicketId, type RunId } from '../contract/ids.ts';
import { GuardQuestion, type GuardDecision } from '../contract/operator-api.ts';
import { INSIDE } from '../domain/inside.ts';
import type { Brand } from './brand.ts';
import { CALL_LAYER, decideCall } from './guard.ts';
import { followed, pathsOf } from './named-paths.ts';
import type { Places } from './places.ts';
import { pathsTest } from './ticket-paths.ts';

/** `guard check`: decides a question of whoever asks. What cannot be read is a deny. */
export function checkQuestion(
  asked: unknown,
  places: Places,
  brandOf: (id: string) => Brand | undefined,
): GuardDecision {
  const deny = (rule: string, reason: string): GuardDecision => ({
    decision: 'deny',
    rule,
    reason,
    layer: CALL_LAYER,
  });
  const question = GuardQuestion.safeParse(asked);
  if (!question.success) {
    const issue = question.error.issues[0];
    return deny(
      'malformed-input',
      `the question cannot be read: ${issue?.path.join('.') || 'it'} ${issue?.message ?? ''}`,
    );
  }
  const { brand: id, role, tool, input, cwd, run } = question.data;
  if (!cwd.startsWith('/')) return deny('malformed-input', 'cwd is an absolute path');
  const paths = pathsOf(input);
  if ([cwd, ...paths].some((path) => path.includes('\0')))
    return deny('malformed-input', 'a path holds a zero byte');
  const brand = brandOf(id);
  if (!brand) return deny('unknown-brand', `there is no open brand ${id}`);
  const contract = brand.contract(role);
  if (!contract.ok) return deny('unknown-role', `there is no contract ${role}`);
  const checkout = checkoutOf(cwd, brand.places.checkouts);
  const ofRun = run === undefined ? undefined : (brand.runs.get(run as RunId)?.ticket ?? null);
  const named = TicketId.safeParse(checkout?.slice(brand.places.checkouts.length + 1));
  const ofFolder = named.success ? named.data : undefined;
  if (ofRun === null) return deny('unknown-run', `there is no run ${run} with a ticket in brand ${id}`);
  if (ofRun !== undefined && ofFolder !== undefined && ofRun !== ofFolder)
    return deny('boundary-guard', `run ${run} works on ${ofRun}, not in the checkout of ${ofFolder}`);
  const ticketId = ofRun ?? ofFolder;
  const ticket = ticketId === undefined ? undefined : brand.tickets.get(ticketId);
  if (ticket === null) return deny('unknown-ticket', `there is no ticket ${ticketId} in brand ${id}`);
  // What a link on this machine leads to must be allowed as well; inside the walls the host cannot look.
  const led =
    checkout === INSIDE.checkout
      ? []
      : paths.flatMap((path) => followed(resolve(cwd, path), places.workspace) ?? []);
  return decideCall(
    contract.value,
    { tool, paths: [...paths, ...led], command: typeof input.command === 'string' ? input.command : '' },
    cwd,
    {
      brand: brand.id,
      workspace: places.workspace,
      checkouts: checkout === null ? [] : [checkout],
      // Where no ticket is named, the question is what the role may do at all.
      inTicket: pathsTest(ticket?.draft.paths ?? []),
    },
  );
}

/** The checkout that a working folder lies in: on the host, or at its fixed place inside. */
function checkoutOf(cwd: string, checkouts: string): string | null {
  const folder = normalize(cwd);
  if (folder === INSIDE.checkout || folder.startsWith(`${INSIDE.checkout}/`)) return INSIDE.checkout;
  const inside = `${checkouts}/`;
  if (!folder.startsWith(inside)) return null;
  const name = folder.slice(inside.length).split('/')[0];
  return name ? `${inside}${name}` : null;
}
