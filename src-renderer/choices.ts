import type { CountBy } from '../src-main/contract/config.ts';
import type { ModelClass, RuntimeName, TicketMode } from '../src-main/contract/tickets.ts';
import { t } from './strings/en.ts';

// The contract's schemas stay out of the window's bundle: what a select can hold is what has a name here.
const within = <T extends string>(names: Readonly<Record<T, unknown>>) => {
  const known = new Set<string>(Object.keys(names));
  return (value: string): value is T => known.has(value);
};

export const isRuntime = within<RuntimeName>(t.runtimes);
export const isModelClass = within<ModelClass>(t.modelClasses);
export const isMode = within<TicketMode>(t.editor.modes);
export const isCountBy = within<CountBy>(t.onboarding.counts);
export const countings: readonly CountBy[] = ['tap', 'junit', 'exit'];
