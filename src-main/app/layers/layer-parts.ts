import type { GitProgram } from '../../services/repositories/index.ts';
import type { Runtime } from '../../services/runtimes/index.ts';
import { createSandbox, type Sandbox } from '../../services/sandbox/index.ts';
import { createExits, type Exits } from '../exits/exits.ts';
import { decideCall } from '../guard.ts';
import { auditPaths } from '../path-audit.ts';
import type { Places } from '../places.ts';
import type { Timer } from '../timer.ts';
import { callLayer } from './call-layer.ts';
import { exitLayer } from './exit-layer.ts';
import type { Layer } from './layer.ts';
import { kernelLayer, roomLayer } from './wall-layers.ts';

/** What the four layers are made of: who enforces, and who proves. A core is composed of these and nothing switches one off. */
export interface LayerParts {
  /** Layer 1: what a call is answered. */
  decide: typeof decideCall;
  /** Layers 2 and 3. */
  sandbox: typeof createSandbox;
  /** Layer 4: what moves a branch. */
  audit: typeof auditPaths;
  /** Layer 4: what words of another brand are stopped by. */
  exits: typeof createExits;
  layers(of: {
    sandbox: Sandbox;
    runtimes: readonly Runtime[];
    git: GitProgram;
    places: Places;
    exits: Exits;
    timer: Timer;
    made: LayerParts;
  }): Layer[];
}

/** What is shipped. */
export const layerParts: LayerParts = {
  decide: decideCall,
  sandbox: createSandbox,
  audit: auditPaths,
  exits: createExits,
  layers({ sandbox, runtimes, git, places, exits, timer, made }) {
    const agent = runtimes.find(({ name }) => name === 'scripted');
    if (agent === undefined)
      throw new Error('There is no runtime "scripted", which proves the layer "call".');
    return [
      callLayer({ sandbox, agent, decide: made.decide, places, timer }),
      roomLayer,
      kernelLayer,
      exitLayer({ git, places, exits, audit: made.audit }),
    ];
  },
};
