import { startModelServer } from '../support/model-server.ts';
import type { ModelCall, ModelScript } from '../support/model-server.ts';
import type { Room } from './runtime-room.ts';
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

/** Says "half" and then "rest" as its progress with the run's own tool, which the task gives the program. */
export async function reportsWith(
  room: Room,
  progress: (text: string) => ModelCall[],
  model?: string,
): Promise<Behaviour> {
  const behaviour = await withModel(
    [{ calls: progress('half') }, { calls: progress('rest') }, { text: 'Told.' }],
    model,
  );
  return { ...behaviour, task: { ...behaviour.task, tools: room.tools } };
}
