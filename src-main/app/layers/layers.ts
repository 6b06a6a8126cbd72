import type { BrandLayers, LayerProof } from '../../contract/layers.ts';
import { EXECUTOR } from '../../domain/ticket.ts';
import { BrandEvents, type Actor } from '../../contract/events.ts';
import type { Sandbox } from '../../services/sandbox/index.ts';
import type { Brand } from '../brand.ts';
import type { Places } from '../places.ts';
import type { Layer, Subject } from './layer.ts';
import { makeProvingRoom } from './proving-room.ts';

/** The four layers of every brand, each proved by canaries of its own. */
export interface Layers {
  /** Lets canaries loose on each layer and records what they showed. Proofs of one brand are made one after the other. */
  prove(brand: Brand): Promise<BrandLayers>;
  /** What was last proved. */
  last(brand: Brand): BrandLayers;
  /** Null where runs of the brand may start; for a sealed brand that lacks a layer one sentence that names it. */
  obstacle(brand: Brand): Promise<string | null>;
}

export interface LayersParts {
  layers: readonly Layer[];
  places: Places;
  sandbox: Sandbox;
  /** What every run finds as its tools, on the host. */
  tools: string;
  now(): string;
  /** Milliseconds, from any beginning. */
  clock(): number;
}

const core: Actor = { kind: 'core', part: 'layers' };
const STREAM = 'layers';
/** How long what was proved of a sealed brand lets its tickets be taken up; each launch proves its walls anew. */
const STANDS_MS = 60_000;

export function createLayers(parts: LayersParts): Layers {
  const turns = new Map<string, Promise<BrandLayers>>();
  const proved = new Map<string, { of: BrandLayers; at: number }>();

  const proveAll = async (brand: Brand): Promise<BrandLayers> => {
    const { id } = brand;
    const { sealed } = brand.config;
    const contract = brand.contract(EXECUTOR);
    const proofs: LayerProof[] = [];
    if (contract.ok) {
      const room = makeProvingRoom(brand, contract.value, parts);
      try {
        for (const layer of parts.layers) proofs.push(await proveOne(layer, { brand, room }));
      } finally {
        room.dispose();
      }
    }
    const of: BrandLayers = { id, sealed, at: parts.now(), layers: proofs };
    proved.set(id, { of, at: parts.clock() });
    brand.record(STREAM, [{ type: 'layers.proved', data: { layers: proofs } }], core);
    return of;
  };

  const prove: Layers['prove'] = (brand) => {
    const before = turns.get(brand.id) ?? Promise.resolve();
    const turn = before.then(
      () => proveAll(brand),
      () => proveAll(brand),
    );
    turns.set(brand.id, turn);
    return turn;
  };

  return {
    prove,
    last(brand) {
      const event = brand.store.readStream(STREAM).findLast(({ type }) => type === 'layers.proved');
      const { id } = brand;
      const { sealed } = brand.config;
      if (event === undefined) return { id, sealed, at: null, layers: [] };
      return { id, sealed, at: event.at, ...BrandEvents['layers.proved'].parse(event.data) };
    },
    async obstacle(brand) {
      if (!brand.config.sealed) return null;
      const known = proved.get(brand.id);
      const stands = known && missingLayer(known.of) === null && parts.clock() - known.at < STANDS_MS;
      const missing = missingLayer(stands ? known.of : await prove(brand));
      return missing === null
        ? null
        : `${brand.id} is sealed and needs all four layers, but ${missing}; "atrium guard prove --brand ${brand.id}" shows it`;
    },
  };
}

/** Which of the four a brand lacks, in words; null where all are live. */
function missingLayer({ layers }: BrandLayers): string | null {
  for (const name of ['call', 'room', 'kernel', 'exit'] as const) {
    const proof = layers.find(({ layer }) => layer === name);
    if (proof === undefined) return `the layer "${name}" is missing`;
    if (!proof.live) return `the layer "${name}" does not hold: ${proof.detail}`;
  }
  return null;
}

async function proveOne(layer: Layer, subject: Subject): Promise<LayerProof> {
  try {
    return { layer: layer.name, ...(await layer.prove(subject)) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { layer: layer.name, live: false, detail: `the proof did not run: ${why}`, canaries: [] };
  }
}
