import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '../../contract/errors.ts';
import type { GuardReply } from '../../contract/run-api.ts';
import { EXECUTOR } from '../../domain/ticket.ts';
import { INSIDE } from '../../domain/inside.ts';
import { readHook } from '../../domain/hook.ts';
import { plural } from '../../domain/plural.ts';
import type { Runtime, Task } from '../../services/runtimes/index.ts';
import { openRunGateway, type RunGateway } from '../../services/gateway/index.ts';
import type { Sandbox, SandboxProcess } from '../../services/sandbox/index.ts';
import type { Brand } from '../brand.ts';
import type { Call, decideCall } from '../guard.ts';
import { callOfInput } from '../named-paths.ts';
import type { Places } from '../places.ts';
import type { Timer } from '../timer.ts';
import { judged, type Layer } from './layer.ts';

/** Calls that the policy denies every executor; only the call's guard stands between them and the run's own home. */
const CANARIES = [
  { name: 'write outside the checkout', tool: 'write_file', paths: [`${INSIDE.home}/canary`] },
  { name: 'change the ticket files', tool: 'write_file', paths: [`${INSIDE.checkout}/tickets.jsonl`] },
  { name: 'start another agent', tool: 'task', paths: [] },
  { name: 'use a tool that nobody knows', tool: 'an_unknown_tool', paths: [] },
];
/** The same through the hook that an agent program is given: `atrium hook`, which asks on the run's socket. */
const HOOKED = { name: 'write outside the checkout, asked by a hook', input: `${INSIDE.home}/canary` };
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
  places: Places;
  timer: Timer;
}): Layer {
  const leave = (name: string) => [{ write: { path: join(INSIDE.home, name), content: 'x' } }];
  const script: object[] = [CONTROL, ...CANARIES].map(({ tool, paths }, index) => ({
    permission: { tool, kind: 'other', paths, text: '', then: leave(`did-${index}`) },
  }));
  const hook = (tool: string, path: string, name: string) => ({
    run: `echo '${JSON.stringify({ tool_name: tool, tool_input: { file_path: path } })}' | atrium hook PreToolUse && echo x > ${INSIDE.home}/${name}`,
  });
  script.push(hook('Read', CONTROL.paths[0] ?? '', 'hooked-0'), hook('Write', HOOKED.input, 'hooked-1'));
  const task: Task = {
    ticket: 'T-proof-1',
    title: 'proof',
    prompt: '',
    command: JSON.stringify(script),
    model: null,
    session: null,
    tools: null,
    gatewayUrl: INSIDE.gateway,
  };
  return {
    name: 'call',
    async prove({ brand, room }) {
      const needs = parts.agent.prepare(task);
      if (!needs.ok) throw new Error(needs.failure.message);
      const geography = {
        brand: brand.id,
        workspace: '/nowhere',
        checkouts: [INSIDE.checkout],
        inTicket: () => true,
      };
      const answer = (call: Call): GuardReply => {
        const policy = brand.guard.policy(room.contract);
        const { decision, rule, reason } = parts.decide(policy, call, INSIDE.checkout, geography);
        return { decision: decision === 'allow' ? 'allow' : 'deny', rule, reason };
      };
      const gateway = await openGateway(brand, parts, answer);
      let tree: SandboxProcess | undefined;
      try {
        const profile = room.profile(needs.value, gateway.socketPath);
        tree = await parts.sandbox.launch(profile, needs.value.command, { stdin: 'pipe' });
        const end = await parts.agent.drive(tree, task, {
          onEvent: () => undefined,
          decide: (call) => Promise.resolve(answer(call)),
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
        const hooked = (index: number): boolean => existsSync(join(room.home, `hooked-${index}`));
        canaries.push({
          name: HOOKED.name,
          denied: hooked(0) && !hooked(1),
          detail: hooked(0) ? 'the hook let it through' : 'did not run: the hook lets nothing through',
        });
        return judged(canaries, `${plural(canaries.length, 'call')} denied, and not carried out`);
      } finally {
        await tree?.stop();
        await gateway.close();
      }
    },
  };
}

/** A socket on which nothing is answered but hooks. */
function openGateway(
  brand: Brand,
  { places, timer }: { places: Places; timer: Timer },
  answer: (call: Call) => GuardReply,
): Promise<RunGateway> {
  const refused = () => Promise.resolve(fail('not-authorized', 'a proof reports nothing'));
  return openRunGateway({
    folder: places.sockets,
    owner: brand.identity,
    run: { id: `R-${brand.id}-proof`, role: EXECUTOR, ticket: null, brand: brand.id, calls: [] },
    reports: {
      ...{ result: refused, verdict: refused, progress: refused, comment: refused, brief: () => '' },
      guard(event, input) {
        const read = readHook(event, input);
        return Promise.resolve(
          read.moment === 'before'
            ? answer(callOfInput(read.tool, read.input))
            : { decision: 'deny', rule: 'malformed-input', reason: 'it is no hook before a call' },
        );
      },
    },
    network: [],
    models: [],
    stopped: () => 'a proof has no model',
    budget: () => ({ allowed: false, reason: 'a proof has no model' }),
    onUsage: () => undefined,
    onDecision: () => undefined,
    clock: timer,
  });
}
