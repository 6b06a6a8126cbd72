import { normalize, resolve } from 'node:path';
import { TicketId, type RunId } from '../contract/ids.ts';
import { GuardQuestion, type GuardDecision } from '../contract/guard.ts';
import { readHook } from '../domain/hook.ts';
import { INSIDE } from '../domain/inside.ts';
import type { Brand } from './brand.ts';
import { CALL_LAYER, decideCall } from './guard.ts';
import { callOfInput, followed, pathsOf } from './named-paths.ts';
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
  const call = callOfInput(tool, input);
  return decideCall(
    brand.guard.policy(contract.value, ticketId),
    { ...call, paths: [...paths, ...led] },
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

/**
 * A question as a hook puts it, for whoever configured that hook outside a run: the brand is the one whose checkout the call is
 * made in, unless it is named.
 */
export function checkHook(
  asked: { event: string; input: unknown; brand?: string | undefined; role: string },
  places: Places,
  brandOf: (id: string) => Brand | undefined,
): GuardDecision {
  const told = (decision: 'allow' | 'deny', rule: string, reason: string): GuardDecision => ({
    decision,
    rule,
    reason,
    layer: CALL_LAYER,
  });
  const read = readHook(asked.event, asked.input);
  if (read.moment === 'unreadable')
    return told('deny', 'malformed-input', `the hook's input cannot be read: ${read.reason}`);
  if (read.moment === 'other') return told('allow', 'no-decision', 'nothing is decided at this event');
  const { cwd } = read;
  const inside = cwd?.startsWith(`${places.checkouts}/`) ? cwd.slice(places.checkouts.length + 1) : '';
  const brand = asked.brand ?? inside.split('/')[0] ?? '';
  if (cwd === null || brand === '')
    return told(
      'deny',
      'malformed-input',
      'it is not known which brand this is: name it, or work in a checkout of it',
    );
  return checkQuestion({ brand, role: asked.role, tool: read.tool, input: read.input, cwd }, places, brandOf);
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
