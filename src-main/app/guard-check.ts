import { normalize } from 'node:path';
import { TicketId } from '../contract/ids.ts';
import { GuardQuestion, type GuardDecision } from '../contract/operator-api.ts';
import { INSIDE } from '../domain/sandbox-profile.ts';
import type { Brand } from './brand.ts';
import { CALL_LAYER, decideCall } from './guard.ts';
import type { Places } from './places.ts';
import { pathsTest } from './ticket-paths.ts';

const PATH_KEYS = [
  'file_path',
  'path',
  'absolute_path',
  'notebook_path',
  'dir_path',
  'directory',
  'filename',
  'target',
];

/** The paths that a tool's input names, whatever the agent program calls the field. */
export function pathsOf(input: Record<string, unknown>): string[] {
  const single = PATH_KEYS.map((key) => input[key]).filter((value) => typeof value === 'string');
  const list = Array.isArray(input.paths) ? input.paths.filter((value) => typeof value === 'string') : [];
  return [...single, ...list].filter((path) => path !== '');
}

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
  const brand = brandOf(id);
  if (!brand) return deny('unknown-brand', `there is no open brand ${id}`);
  const contract = brand.contract(role);
  if (!contract.ok) return deny('unknown-role', `there is no contract ${role}`);
  const checkout = checkoutOf(cwd, brand.places.checkouts);
  const ofRun = run === undefined ? null : (brand.runs.list().find((one) => one.id === run)?.ticket ?? null);
  const ofFolder = TicketId.safeParse(checkout?.slice(brand.places.checkouts.length + 1));
  const ticket = brand.tickets.get(ofRun ?? (ofFolder.success ? ofFolder.data : ('' as TicketId)));
  return decideCall(
    contract.value,
    { tool, paths: pathsOf(input), command: typeof input.command === 'string' ? input.command : '' },
    cwd,
    {
      brand: brand.id,
      workspace: places.workspace,
      checkouts: checkout === null ? [] : [checkout],
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
