import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { Actor } from '../contract/events.ts';
import type { DecisionEntry } from '../contract/guard.ts';
import type { BrandId, RunId, TicketId } from '../contract/ids.ts';
import type { GuardReply } from '../contract/run-api.ts';
import { readHook } from '../domain/hook.ts';
import { INSIDE } from '../domain/inside.ts';
import type { Geography } from '../domain/place.ts';
import { evaluateHost, type Policy } from '../domain/policy.ts';
import type { Asks } from './asks.ts';
import type { DecisionLog } from './decision-log.ts';
import { actionOf, CALL_LAYER, decideCall, type Call, type LevelledDecision } from './guard.ts';
import { callOfInput } from './named-paths.ts';
import type { RecordOfRun } from './run-recorder.ts';
import type { Timer } from './timer.ts';

/** The guard of one run: asked before each call and told of its end, whether the call worked or failed. */
export interface RunGuard {
  before(call: Call): Promise<GuardReply>;
  /** After the call: what the guard finds then is recorded, and the next call is denied with it. */
  after(call: Call, outcome: 'done' | 'failed'): void;
  /** The same, as an agent program's hook puts it. */
  hook(event: string, input: unknown): Promise<GuardReply>;
  /** What policy says of a host that the run's network list holds, once a host: the operator may have to be asked. */
  reaches(host: string): Promise<{ allowed: boolean; reason: string }>;
  /** A connection that was refused. */
  refused(host: string, reason: string): boolean;
}

/** So many denials and questions of one run are recorded: a run that tries without end must not fill the log. */
const MOST_RECORDED = 200;
/** Inside the walls there is no workspace. */
const NO_WORKSPACE = '/nowhere';
const TICKET_FILES = ['tickets.jsonl', 'tickets.json'];
const core: Actor = { kind: 'core', part: 'guard' };

export function createRunGuard(options: {
  brand: BrandId;
  run: RunId;
  ticket: TicketId | null;
  policy: Policy;
  /** Host folder of the checkout. */
  checkout: string;
  inTicket(path: string): boolean;
  /** Takes the secrets of the run out of what is kept and asked about its calls. */
  clean<T>(value: T): T;
  asks: Asks;
  log: DecisionLog;
  record: RecordOfRun;
  timer: Pick<Timer, 'now'>;
  now(): string;
}): RunGuard {
  const { brand, run, ticket, policy, timer } = options;
  const geography: Geography = {
    brand,
    workspace: NO_WORKSPACE,
    checkouts: [INSIDE.checkout],
    inTicket: options.inTicket,
  };
  let recorded = 0;
  let found: LevelledDecision | null = null;
  let witness = ticketFiles(options.checkout);

  const entryOf = (
    call: Call,
    made: LevelledDecision,
    ms: number,
    after: { outcome: 'done' | 'failed' } | null,
  ): DecisionEntry =>
    options.clean({
      at: options.now(),
      brand,
      run,
      ticket,
      role: policy.role,
      moment: after ? 'after' : 'before',
      outcome: after?.outcome ?? null,
      tool: call.tool,
      kind: actionOf(call, INSIDE.checkout, geography).kind,
      text: call.text,
      paths: [...call.paths],
      ...made,
      ms,
    });

  /** Keeps a decision: all in the decision log, what denied also in the event log. False where no more are recorded there. */
  const keep = (entry: DecisionEntry): boolean => {
    options.log.write(entry);
    if (entry.decision !== 'deny') return true;
    if (recorded >= MOST_RECORDED) return false;
    recorded += 1;
    const last = recorded === MOST_RECORDED ? ' (denials after this one are not recorded)' : '';
    const { rule, reason, tool, layer, level, ms, moment } = entry;
    const data = { run, rule, reason: `${reason}${last}`, tool, layer, level, ms, moment };
    options.record(run, [{ type: 'guard.decided', data: { ...data, decision: 'deny' } }], core);
    return true;
  };

  const answered = async (call: Call, made: LevelledDecision, ms: number): Promise<GuardReply> => {
    const entry = entryOf(call, made, ms, null);
    keep(entry);
    if (recorded >= MOST_RECORDED)
      return {
        decision: 'deny',
        rule: made.rule,
        reason: 'too much of this run was denied or asked already',
      };
    recorded += 1;
    const { tool, kind, text, paths, rule, level, reason } = entry;
    const began = timer.now();
    const end = await options.asks.ask(
      { run, ticket, role: policy.role, tool, kind, text, paths, rule, level, reason },
      ms,
    );
    const said = end.note === '' ? '' : `: ${end.note}`;
    const final: LevelledDecision = {
      ...made,
      decision: end.decision,
      reason: end.answered
        ? `the operator says ${end.decision}${said}`
        : `it needs the operator's word and counts as denied${said}; go on without it, or say in your result what you need`,
    };
    keep(entryOf(call, final, timer.now() - began, null));
    return { decision: end.decision, rule, reason: final.reason };
  };

  const before = async (call: Call): Promise<GuardReply> => {
    const began = timer.now();
    // What was found after a call is told with the next one, once, so that the agent can put it right.
    const made = found ?? decideCall(policy, call, INSIDE.checkout, geography);
    found = null;
    const ms = timer.now() - began;
    if (made.decision === 'ask') return await answered(call, made, ms);
    keep(entryOf(call, made, ms, null));
    return { decision: made.decision, rule: made.rule, reason: made.reason };
  };

  /** What can be seen of a call once it is over: ticket files that changed, and writes where nothing may be written. */
  const findingOf = (call: Call): LevelledDecision | null => {
    const now = ticketFiles(options.checkout);
    const touched = TICKET_FILES.find((name) => now[name] !== witness[name]);
    witness = now;
    const finding = (rule: string, reason: string): LevelledDecision => ({
      decision: 'deny',
      rule,
      reason,
      layer: CALL_LAYER,
      level: 'atrium',
    });
    if (touched)
      return finding(
        'ticket-state-guard',
        `${touched} of the checkout was changed by ${call.tool}: tickets change only through Atrium; put it back, then go on`,
      );
    if (actionOf(call, INSIDE.checkout, geography).kind !== 'edit' || call.paths.length === 0) return null;
    const made = decideCall(policy, call, INSIDE.checkout, geography);
    if (made.decision !== 'deny') return null;
    const reason = `${call.tool} wrote ${call.paths.join(', ')}: ${made.reason}; put it back, then go on`;
    return { ...made, reason };
  };

  const after: RunGuard['after'] = (call, outcome) => {
    const began = timer.now();
    found = findingOf(call) ?? found;
    const made: LevelledDecision = found ?? {
      decision: 'allow',
      rule: 'after-call',
      reason: `the call ended (${outcome}) and nothing was found`,
      layer: CALL_LAYER,
      level: 'atrium',
    };
    keep(entryOf(call, made, timer.now() - began, { outcome }));
  };

  const hosts = new Map<string, Promise<{ allowed: boolean; reason: string }>>();
  const reach = async (host: string): Promise<{ allowed: boolean; reason: string }> => {
    const made = evaluateHost(host, policy);
    if (made === null) return { allowed: true, reason: '' };
    if (made.decision === 'deny') return { allowed: false, reason: `${made.reason} (${made.rule})` };
    const call: Call = { tool: 'connect', kind: 'fetch', paths: [], text: host };
    const { decision, reason } = await answered(call, { ...made, layer: 'gateway' }, 0);
    return { allowed: decision === 'allow', reason };
  };

  return {
    before,
    after,
    reaches(host) {
      const known = hosts.get(host) ?? reach(host);
      hosts.set(host, known);
      return known;
    },
    async hook(event, input) {
      const read = readHook(event, input);
      switch (read.moment) {
        case 'unreadable': {
          const reason = `the hook's input cannot be read: ${read.reason}`;
          const made: LevelledDecision = {
            decision: 'deny',
            rule: 'malformed-input',
            reason,
            layer: CALL_LAYER,
            level: 'atrium',
          };
          keep(entryOf({ tool: `hook ${event.slice(0, 60)}`, paths: [], text: '' }, made, 0, null));
          return { decision: 'deny', rule: made.rule, reason };
        }
        case 'other':
          return { decision: 'allow', rule: 'no-decision', reason: 'nothing is decided at this event' };
        case 'before':
          return await before(callOfInput(read.tool, read.input));
        case 'after':
          after(callOfInput(read.tool, read.input), read.failed ? 'failed' : 'done');
          return { decision: 'allow', rule: 'after-call', reason: 'noted' };
      }
    },
    refused(host, reason) {
      const made: LevelledDecision = {
        decision: 'deny',
        rule: 'network-list',
        reason: `${host}: ${reason}`,
        layer: 'gateway',
        level: 'ticket',
      };
      return keep(entryOf({ tool: 'connect', kind: 'fetch', paths: [], text: host }, made, 0, null));
    },
  };
}

/** The ticket files at the top of a checkout, each by what would change with it. Links are not followed. */
function ticketFiles(checkout: string): Record<string, string> {
  return Object.fromEntries(
    TICKET_FILES.map((name) => {
      const stat = lstatSync(join(checkout, name), { throwIfNoEntry: false, bigint: true });
      return [name, stat ? `${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}` : ''];
    }),
  );
}
