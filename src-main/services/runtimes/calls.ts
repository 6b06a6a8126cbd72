import type { PermissionDecision, PermissionRequest } from './port.ts';
import type { Supervision } from './supervise.ts';

const keptText = 4_000;

interface Call {
  request: PermissionRequest;
  /** What was decided on. */
  asked: PermissionRequest | null;
  decision: Promise<PermissionDecision> | null;
  decided: PermissionDecision | null;
  begun: boolean;
}

/**
 * Holds every tool call that an agent program reports against a decision of ours. A call that was carried out without one, or
 * against one, is a gap, which ends the run.
 *
 * @param asks `every-call`: the program was told to ask before each call, so one that did not is a gap. `some-calls`: it asks
 * where it sees fit, and what it does without asking is decided when it is seen.
 * @param onGap ends the run with a sentence
 */
export class Calls {
  readonly #supervision: Supervision;
  readonly #asks: 'every-call' | 'some-calls';
  readonly #calls = new Map<string, Call>();
  readonly #onGap: (reason: string) => void;

  constructor(supervision: Supervision, asks: 'every-call' | 'some-calls', onGap: (reason: string) => void) {
    this.#supervision = supervision;
    this.#asks = asks;
    this.#onGap = onGap;
  }

  /** What is known of a call by now; what it says later counts. */
  describe(id: string, request: PermissionRequest): void {
    const call = this.#calls.get(id);
    if (call === undefined)
      this.#calls.set(id, { request, asked: null, decision: null, decided: null, begun: false });
    else call.request = request;
  }

  /** What was described of a call, where something was. */
  described(id: string): PermissionRequest | undefined {
    return this.#calls.get(id)?.request;
  }

  /**
   * Decides a call before it is carried out: once, whichever way and however often it is asked for. Of a program that asks where it
   * sees fit, a call that it describes otherwise than when it asked is another call.
   */
  decide(id: string, request: PermissionRequest): Promise<PermissionDecision> {
    this.describe(id, request);
    const call = this.#calls.get(id);
    const known =
      this.#asks === 'every-call' ||
      (call !== undefined && call.asked !== null && isSame(call.asked, request));
    if (call?.decision && known) return call.decision;
    if (call) call.asked = request;
    const decision = this.#supervision.decide(request).then((decided) => {
      if (call) call.decided = decided;
      if (decided.decision === 'allow') this.begin(id);
      return decided;
    });
    if (call) call.decision = decision;
    return decision;
  }

  /** Tells that a call has begun, once. */
  begin(id: string): void {
    const call = this.#calls.get(id);
    if (call === undefined || call.begun) return;
    call.begun = true;
    const { tool, text } = call.request;
    this.#supervision.tell({ kind: 'tool', tool, title: text, state: 'started', text: '' });
  }

  /** A call that is under way without having been asked for: decided now, where the program may leave the asking out. */
  async seen(id: string): Promise<void> {
    if (this.#asks === 'some-calls') await this.decideLate(id);
  }

  /** Decides a call of a kind for which the program never asks: a denial comes too late for the call, and ends the run. */
  async decideLate(id: string): Promise<void> {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    const { decision, reason } = await this.decide(id, call.request);
    if (decision === 'allow' || call.decided === null) return;
    this.#onGap(
      `The agent called ${call.request.tool} without asking, and it is denied: ${reason}. It was ended.`,
    );
  }

  /** A call that is over. */
  settle(id: string, state: 'done' | 'failed', text: string): void {
    const call = this.#calls.get(id);
    const request = call?.request ?? { tool: 'unknown', kind: 'other', paths: [], text: '' };
    if (state === 'done') this.begin(id);
    const { tool, text: title, paths } = request;
    this.#supervision.tell({ kind: 'tool', tool, title, state, text: text.slice(0, keptText), paths });
    if (state === 'failed') return;
    if (call?.decision === undefined || call.decision === null) {
      this.#onGap(`The agent carried out a call of ${request.tool} that was not decided on; it was ended.`);
    } else if (call.decided?.decision === 'deny' && this.#asks === 'every-call') {
      this.#onGap(`The agent carried out a call of ${request.tool} that was denied; it was ended.`);
    }
  }
}

function isSame(a: PermissionRequest, b: PermissionRequest): boolean {
  return (
    a.tool === b.tool && a.kind === b.kind && a.text === b.text && a.paths.join('\n') === b.paths.join('\n')
  );
}
