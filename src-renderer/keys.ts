import { useLayoutEffect, useRef } from 'react';
import { create } from 'zustand';
import { usePreferences } from './preferences.ts';

/** One key of a screen. */
export interface Binding {
  /** `a`, `?`, `Enter`, `Mod+k`. */
  key: string;
  label: string;
  run(): void;
  /** False where the key does nothing now; it is then neither shown nor heard. */
  when?: boolean;
  /** Heard also while one types: for keys with a modifier, and Escape. */
  typing?: boolean;
}

interface Layer {
  id: number;
  title: string;
  bindings: readonly Binding[];
  /** A dialog: layers under it do not hear. */
  modal: boolean;
}

interface Layers {
  layers: readonly Layer[];
}

/** The keys that are heard now, outermost first: the palette and `?` show the same. */
export const useLayers = create<Layers>(() => ({ layers: [] }));

let lastId = 0;

/**
 * Hears keys while a component is shown, from the moment it is. The bindings may be new at every render.
 */
export function useKeys(title: string, bindings: readonly Binding[], modal = false): void {
  const id = useRef(0);
  const latest = useRef(bindings);
  const shape = bindings.map((each) => `${each.key}\n${each.label}\n${each.when !== false}`).join('\n');

  useLayoutEffect(() => {
    latest.current = bindings;
  });

  useLayoutEffect(() => {
    id.current = ++lastId;
    const own = id.current;
    useLayers.setState(({ layers }) => ({ layers: [...layers, { id: own, title, bindings: [], modal }] }));
    return () => useLayers.setState(({ layers }) => ({ layers: layers.filter((each) => each.id !== own) }));
  }, [title, modal]);

  useLayoutEffect(() => {
    const own = id.current;
    const shown = latest.current
      .map((binding, index): Binding => ({ ...binding, run: () => latest.current[index]?.run() }))
      .filter((binding) => binding.when !== false);
    useLayers.setState(({ layers }) => ({
      layers: layers.map((each) => (each.id === own ? { ...each, bindings: shown } : each)),
    }));
  }, [shape, title, modal]);
}

/** The layers heard now: those of the dialog and what is in it, or of everything shown. */
export function heard(layers: readonly Layer[]): readonly Layer[] {
  const dialog = layers.findIndex((layer) => layer.modal);
  return dialog === -1 ? layers : layers.slice(dialog).filter((layer) => layer.modal);
}

function nameOf(event: KeyboardEvent): string {
  const modifier = event.ctrlKey || event.metaKey ? 'Mod+' : '';
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return modifier + key;
}

const typesInto = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    target.matches('input:not([type=checkbox]):not([type=radio]), textarea, select'));

const actsOn = (target: EventTarget | null) =>
  target instanceof Element && target.closest('a, button, summary, [role=menuitem], [role=option]') !== null;

/** Listens for keys on the whole window; returns how to stop. */
export function listenForKeys(): () => void {
  const press = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing || event.altKey) return;
    const name = nameOf(event);
    const single = !name.startsWith('Mod+') && event.key.length === 1;
    if (single && !usePreferences.getState().singleKeys) return;
    const typing = typesInto(event.target);
    if (name === 'Enter' && actsOn(event.target)) return;
    for (const layer of heard(useLayers.getState().layers).toReversed()) {
      const binding = layer.bindings.find((each) => each.key === name && (!typing || each.typing === true));
      if (binding === undefined) continue;
      event.preventDefault();
      binding.run();
      return;
    }
  };
  window.addEventListener('keydown', press);
  return () => window.removeEventListener('keydown', press);
}

/** Moves the focus among the rows of the list in which it is, or of the first list of the screen. */
export function moveInList(step: 1 | -1): void {
  const active = document.activeElement;
  const list = active?.closest('[data-rows]') ?? document.querySelector('main [data-rows]');
  if (list === null) return;
  const rows = [...list.querySelectorAll<HTMLElement>('[data-row]')];
  const at = rows.findIndex((row) => row === active || row.contains(active));
  const next = rows[at === -1 ? (step === 1 ? 0 : rows.length - 1) : at + step];
  if (next === undefined) {
    const lists = [...document.querySelectorAll<HTMLElement>('main [data-rows]')];
    const other = lists[lists.indexOf(list as HTMLElement) + step];
    const row = other?.querySelectorAll<HTMLElement>('[data-row]');
    (step === 1 ? row?.[0] : row?.[row.length - 1])?.focus();
    return;
  }
  next.focus();
  next.scrollIntoView({ block: 'nearest' });
}
