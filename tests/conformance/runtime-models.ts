import { startModelServer } from '../support/model-server.ts';
import type { ModelCall, ModelScript } from '../support/model-server.ts';
import type { Behaviour } from './runtime.ts';

/** A model that plays a script, for an agent program that has one. */
export async function withModel(play: ModelScript, model = 'scripted-model'): Promise<Behaviour> {
  const server = await startModelServer(play);
  return { task: { gatewayUrl: server.url, model }, dispose: () => server.close() };
}

/** Plays steps, says "waiting" with a call that is harmless, and never answers the next request. */
export function saysThenHangs(steps: { calls: ModelCall[] }[], harmless: ModelCall[]): ModelScript {
  return (request) => {
    const step = steps[request.turns];
    if (step !== undefined) return step;
    if (request.turns > steps.length) return { kind: 'hang' };
    return { text: 'I am waiting.', calls: harmless };
  };
}
