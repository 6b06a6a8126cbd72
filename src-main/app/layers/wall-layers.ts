import { plural } from '../../domain/plural.ts';
import type { CanaryReport } from '../../services/sandbox/index.ts';
import { judged, type Layer, type Subject } from './layer.ts';

/**
 * The room: what exists, what can be read, written and reached. A wall that lets nothing through where it must is broken as
 * well: such canaries count when they failed.
 */
export const roomLayer: Layer = {
  name: 'room',
  prove: async ({ room }) => ofLayer(await room.walls(), 'room', 'by namespaces and mounts'),
};

/** The kernel layer: the same by Landlock, tried where the room lets it through. */
export const kernelLayer: Layer = {
  name: 'kernel',
  prove: async ({ room, brand }: Subject) => {
    const report = await room.walls();
    if (report.canaries.some((canary) => canary.layer === 'kernel'))
      return ofLayer(report, 'kernel', `by Landlock ${report.landlock}`);
    const detail = `this kernel has no Landlock; runs of ${brand.id} do without`;
    return { live: false, detail, canaries: [] };
  },
};

function ofLayer(report: CanaryReport, layer: 'room' | 'kernel', how: string) {
  const relevant = report.canaries
    .filter((canary) => canary.layer === layer)
    .map((canary) => ({ ...canary, denied: canary.denied === (canary.expected === 'denied') }))
    .filter((canary) => canary.expected === 'denied' || !canary.denied);
  return judged(relevant, `${plural(relevant.length, 'canary', 'canaries')} denied ${how}`);
}
