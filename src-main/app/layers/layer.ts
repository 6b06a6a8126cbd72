import type { LayerName, LayerProof } from '../../contract/layers.ts';
import type { Brand } from '../brand.ts';
import type { ProvingRoom } from './proving-room.ts';

/** What a proof of one brand is made on. */
export interface Subject {
  brand: Brand;
  /** A room of the brand's executor, with nothing of the brand in it. */
  room: ProvingRoom;
}

/** One of the four layers. A proof that throws did not run, and the layer is not live. */
export interface Layer {
  name: LayerName;
  prove(subject: Subject): Promise<Omit<LayerProof, 'layer'>>;
}

/** Judges canaries: a layer is live where every one of them was denied and there was one. */
export function judged(
  canaries: readonly { name: string; denied: boolean; detail: string }[],
  proved: string,
): Omit<LayerProof, 'layer'> {
  const breach = canaries.find((canary) => !canary.denied);
  return {
    live: breach === undefined && canaries.length > 0,
    detail: breach === undefined ? proved : `${breach.name}: ${breach.detail}`,
    canaries: canaries.map(({ name, denied }) => ({ name, denied })),
  };
}
