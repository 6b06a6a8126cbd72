import { create } from 'zustand';
import type { TicketDetail } from '../../../src-main/contract/tickets.ts';

/** What floats over the screen. */
export type Overlay =
  | { kind: 'palette' }
  | { kind: 'keys' }
  | {
      kind: 'editor';
      ticket: TicketDetail | null;
      brand: string | null;
      title: string;
      focus: 'title' | 'command';
    };

interface Overlays {
  open: Overlay | null;
}

export const useOverlay = create<Overlays>(() => ({ open: null }));

export function openOverlay(kind: 'palette' | 'keys'): void {
  useOverlay.setState({ open: { kind } });
}

/** Opens the editor on a ticket, or on a new draft. */
export function openEditor(
  from: { ticket?: TicketDetail; brand?: string; title?: string; focus?: 'command' } = {},
): void {
  useOverlay.setState({
    open: {
      kind: 'editor',
      ticket: from.ticket ?? null,
      brand: from.brand ?? null,
      title: from.title ?? '',
      focus: from.focus ?? 'title',
    },
  });
}

export function closeOverlay(): void {
  useOverlay.setState({ open: null });
}
