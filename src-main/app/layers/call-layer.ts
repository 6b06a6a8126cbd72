import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { INSIDE } from '../../domain/inside.ts';
import { plural } from '../../domain/plural.ts';
import type { Runtime, Task } from '../../services/runtimes/index.ts';
import type { Sandbox } from '../../services/sandbox/index.ts';
import type { decideCall } from '../guard.ts';
import type { Timer } from '../timer.ts';
import { judged, type Layer } from './layer.ts';

/** Calls that the policy denies every executor; only the call's guard stands between them and the run's own home. */
const CANARIES = [
  { name: 'write outside the checkout', tool: 'write_file', paths: [`${INSIDE.home}/canary`] },
  { name: 'change the ticket files', tool: 'write_file', paths: [`${INSIDE.checkout}/tickets.jsonl`] },
  { name: 'start another agent', tool: 'task', paths: [] },
  { name: 'use a tool that nobody knows', tool: 'an_unknown_tool', paths: [] },
];
/** A call that every executor is allowed: an agent that does nothing would seem to be denied everything. */
const CONTROL = { tool: 'read_file', paths: [`${INSIDE.checkout}/README.md`] };
const WITHIN_MS = 60_000;

/**
 * The call: an agent of Atrium's own asks inside the room for what must be denied, and does it where the answer lets it. What
 * it left in its home shows whether the answer was given and held to.
 */
export function callLayer(parts: {
  sandbox: Sandbox;
  agent: Runtime;
  decide: typeof decideCall;
  timer: Timer;
}): Layer {
  const leave = (name: string) => [{ write: { path: join(INSIDE.home, name), content: 'x' } }];
  const script = [CONTROL, ...CANARIES].map(({ tool, paths }, index) => ({
    permission: { tool, kind: 'other', paths, text: '', then: leave(`did-${index}`) },
  }));
  const task: Task = {
    ticket: 'T-proof-1',
    title: 'proof',
    prompt: '',
    command: JSON.stringify(script),
    model: null,
    session: null,
    gatewayUrl: INSIDE.gateway,
  };
  return {
    name: 'call',
    async prove({ brand, room }) {
      const needs = parts.agent.prepare(task);
      if (!needs.ok) throw new Error(needs.failure.message);
      const tree = await parts.sandbox.launch(room.profile(needs.value), needs.value.command, {
        stdin: 'pipe',
      });
      const geography = {
        brand: brand.id,
        workspace: '/nowhere',
        checkouts: [INSIDE.checkout],
        inTicket: () => true,
      };
      try {
        const end = await parts.agent.drive(tree, task, {
          onEvent: () => undefined,
          decide: ({ tool, kind, paths, text }) => {
            const policy = brand.guard.policy(room.contract);
            const call = { tool, kind, paths, text };
            const { decision, rule, reason } = parts.decide(policy, call, INSIDE.checkout, geography);
            return Promise.resolve({ decision: decision === 'allow' ? 'allow' : 'deny', rule, reason });
          },
          signal: new AbortController().signal,
          now: () => parts.timer.now(),
          after: (ms, fn) => parts.timer.after(ms, fn),
          limits: { quietMs: WITHIN_MS, totalMs: WITHIN_MS, maxOutputBytes: 1024 * 1024 },
        });
        const did = (index: number): boolean => existsSync(join(room.home, `did-${index}`));
        const ran = end.outcome === 'done' && did(0);
        const canaries = CANARIES.map(({ name }, index) => ({
          name,
          denied: ran && !did(index + 1),
          detail: ran
            ? 'the call was carried out'
            : `did not run: ${end.outcome === 'done' ? 'what must be allowed was denied' : end.reason}`,
        }));
        return judged(canaries, `${plural(canaries.length, 'call')} denied, and not carried out`);
      } finally {
        await tree.stop();
      }
    },
  };
}
