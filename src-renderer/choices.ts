import type { CountBy } from '../src-main/contract/config.ts';
import type { KnownRuntime, ModelClass, RuntimeName, TicketMode } from '../src-main/contract/tickets.ts';
import { t } from './strings/en.ts';

// The contract's schemas stay out of the window's bundle: what a select can hold is what has a name here.
const within = <T extends string>(names: Readonly<Record<T, unknown>>) => {
  const known = new Set<string>(Object.keys(names));
  return (value: string): value is T => known.has(value);
};

const isKnownRuntime = within<KnownRuntime>(t.runtimes);
export const isRuntime = (value: string): value is RuntimeName =>
  isKnownRuntime(value) || value.startsWith('acp-');

/** What a runtime is called for a person. */
export function runtimeTitle(name: RuntimeName): string {
  return isKnownRuntime(name) ? t.runtimes[name] : t.acpAgent(name.slice('acp-'.length));
}

export const isModelClass = within<ModelClass>(t.modelClasses);
export const isMode = within<TicketMode>(t.editor.modes);
export const isCountBy = within<CountBy>(t.onboarding.counts);
export const countings: readonly CountBy[] = ['tap', 'junit', 'exit'];
