import type { TicketDetail, TicketDraftInput } from '../../../src-main/contract/tickets.ts';
import { isMode, isModelClass, isRuntime } from '../../choices.ts';

/** A draft as it stands in the editor: all text, so that nothing typed is lost. */
export interface DraftForm {
  title: string;
  description: string;
  why: string;
  repository: string;
  paths: string;
  acceptance: string;
  runtime: string;
  command: string;
  model: string;
  modelClass: string;
  mode: string;
  priority: string;
  costCapUsd: string;
  dependsOn: string;
  network: string;
  grants: string;
  references: string;
  /** The commit that is proposed; not typed, and kept whatever else is changed. */
  commit: string;
}

export const emptyForm: DraftForm = {
  title: '',
  description: '',
  why: '',
  repository: '',
  paths: '',
  acceptance: '',
  runtime: '',
  command: '',
  model: '',
  modelClass: 'medium',
  mode: 'direct',
  priority: '3',
  costCapUsd: '5',
  dependsOn: '',
  network: '',
  grants: '',
  references: '',
  commit: '',
};

const lines = (items: readonly string[]) => items.join('\n');
const items = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** A ticket in the editor. */
export function formOf(ticket: TicketDetail): DraftForm {
  return {
    title: ticket.title,
    description: ticket.description,
    why: ticket.why,
    repository: ticket.repository,
    paths: lines(ticket.paths),
    acceptance: lines(ticket.acceptance),
    runtime: ticket.runtime,
    command: ticket.command ?? '',
    model: ticket.model ?? '',
    modelClass: ticket.modelClass,
    mode: ticket.mode,
    priority: String(ticket.priority),
    costCapUsd: String(ticket.costCapUsd),
    dependsOn: lines(ticket.dependsOn),
    network: lines(ticket.network),
    grants: lines(ticket.grants),
    references: lines(ticket.references),
    commit: ticket.commit ?? '',
  };
}

/** What the editor says, as the core takes it. What was not filled in is left to the core. */
export function draftOfForm(
  form: DraftForm,
  ticket: Pick<TicketDetail, 'parent' | 'contract' | 'rules'> | null,
): TicketDraftInput {
  const cap = Number(form.costCapUsd);
  return {
    title: form.title.trim(),
    description: form.description,
    why: form.why,
    paths: items(form.paths),
    acceptance: items(form.acceptance),
    ...(isRuntime(form.runtime) && { runtime: form.runtime }),
    ...(form.command.trim() !== '' && { command: form.command }),
    ...(form.model.trim() !== '' && { model: form.model.trim() }),
    modelClass: isModelClass(form.modelClass) ? form.modelClass : 'medium',
    mode: isMode(form.mode) ? form.mode : 'direct',
    priority: Math.trunc(Number(form.priority)) || 3,
    dependsOn: items(form.dependsOn),
    // What the editor has no field for stays as it was.
    ...(ticket !== null && { contract: ticket.contract }),
    ...(ticket !== null && ticket.parent !== null && { parent: ticket.parent }),
    ...(ticket?.rules !== undefined && { rules: ticket.rules }),
    references: items(form.references),
    costCapUsd: Number.isFinite(cap) ? cap : 5,
    network: items(form.network),
    grants: items(form.grants),
    ...(form.repository !== '' && { repository: form.repository }),
    ...(form.commit !== '' && { commit: form.commit }),
  };
}
