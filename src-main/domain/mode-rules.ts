import type { ModeRule } from '../contract/config.ts';
import type { ModeDecision, RuntimeName, TicketDraft } from '../contract/tickets.ts';

/** Rows that hold where neither the brand nor the workspace has one of its own that does. */
export const MODE_RULES: readonly ModeRule[] = [
  {
    name: 'a-command-is-its-plan',
    when: { runtime: ['command', 'scripted'] },
    mode: 'direct',
    review: 'reviewer',
    reason: 'what it will do stands in the ticket, word for word',
  },
  {
    name: 'migrations-are-planned',
    when: { paths: ['**/migrations/**', '**/migration/**', '**/*.sql'] },
    mode: 'plan_first',
    review: 'operator',
    reason: 'it may change a database',
  },
  {
    name: 'security-is-planned',
    when: { paths: ['**/auth/**', '**/security/**', '**/secrets/**', '**/crypto/**', '**/permissions/**'] },
    mode: 'plan_first',
    review: 'operator',
    reason: 'it may change what guards access or secrets',
  },
  {
    name: 'interfaces-are-planned',
    when: { paths: ['**/openapi/**', '**/openapi.*', '**/*.proto', '**/*.graphql'] },
    mode: 'plan_first',
    review: 'reviewer',
    reason: 'others use what it changes',
  },
  {
    name: 'heavy-work-is-planned',
    when: { modelClass: ['heavy'] },
    mode: 'plan_first',
    review: 'reviewer',
    reason: 'work for a heavy model is worth a plan',
  },
  { name: 'ordinary', when: {}, mode: 'direct', review: 'reviewer', reason: 'no row asks for a plan' },
];

/** What the choice of a mode looks at. */
export interface ModeFacts {
  draft: TicketDraft;
  runtime: RuntimeName;
  sealed: boolean;
}

/**
 * Which mode a ticket goes in. What the draft says stands; else the first row that holds decides, and the decision names it.
 *
 * @param rows the brand's rows, then the workspace's; {@link MODE_RULES} come after them
 * @param within whether a path lies within one of some globs
 */
export function decideMode(
  facts: ModeFacts,
  rows: readonly ModeRule[],
  within: (globs: readonly string[], path: string) => boolean,
): ModeDecision {
  const row = [...rows, ...MODE_RULES].find((rule) => holds(rule.when, facts, within));
  const review = row?.review ?? 'reviewer';
  if (facts.draft.mode !== undefined)
    return { mode: facts.draft.mode, rule: 'draft', reason: 'the draft says so', review };
  return row
    ? { mode: row.mode, rule: row.name, reason: row.reason, review }
    : { mode: 'direct', rule: 'ordinary', reason: 'no row asks for a plan', review };
}

function holds(
  when: ModeRule['when'],
  { draft, runtime, sealed }: ModeFacts,
  within: (globs: readonly string[], path: string) => boolean,
): boolean {
  const text = `${draft.title}\n${draft.description}`.toLowerCase();
  return (
    (when.paths === undefined || draft.paths.some((path) => within(when.paths ?? [], path))) &&
    (when.words === undefined || when.words.some((word) => hasWord(text, word.toLowerCase()))) &&
    (when.runtime === undefined || when.runtime.includes(runtime)) &&
    (when.modelClass === undefined || when.modelClass.includes(draft.modelClass)) &&
    (when.priorityAtMost === undefined || draft.priority <= when.priorityAtMost) &&
    (when.sealed === undefined || when.sealed === sealed)
  );
}

/** A whole word: "sql" is not in "mysqld". */
function hasWord(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1)) {
    const around = `${text[at - 1] ?? ' '}${text[at + word.length] ?? ' '}`;
    if (!/[\p{L}\p{N}]/u.test(around)) return true;
  }
  return false;
}
