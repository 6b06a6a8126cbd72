import { Calls } from './calls.ts';
import type { LaunchedProcess, RuntimeOutcome } from './port.ts';
import { exitInWords, readLines } from './supervise.ts';
import type { Supervision } from './supervise.ts';

/**
 * The one turn of an agent program. It ends once: as the program says, at a call that was carried out without a decision, or with
 * the process.
 */
export class Turn {
  readonly outcome: Promise<RuntimeOutcome>;
  /** Every call of the turn, held against a decision. */
  readonly calls: Calls;
  readonly #process: LaunchedProcess;
  readonly #supervision: Supervision;
  #end: (outcome: RuntimeOutcome) => void = () => undefined;

  /** @param asks see `Calls` */
  constructor(process: LaunchedProcess, supervision: Supervision, asks: 'every-call' | 'some-calls') {
    this.#process = process;
    this.#supervision = supervision;
    this.calls = new Calls(supervision, asks, (reason) => this.end('failed', reason));
    this.outcome = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  end(outcome: 'done' | 'failed', reason: string, transient = false): void {
    this.#end({ outcome, reason, transient, finalText: this.#supervision.finalText() });
  }

  /** Ends it with an error that the program reports. */
  fault(text: string, transient: boolean): void {
    this.end('failed', `The agent reported an error: ${text}`, transient);
  }

  /** Has the end of the process end it, once `heard` has resolved: with all that was said before. */
  endWithProcess(heard: () => Promise<unknown>): void {
    void this.#process.exited.then(async (exit) => {
      await this.#process.stop();
      await heard();
      const lines = this.#supervision.lastWords();
      this.end('failed', `The agent program ${exitInWords(exit)} in the middle of its turn.${lines}`);
    });
  }

  /** Reads what the program writes, a line at a time; one that is no message of its protocol is output. */
  readLines(take: (line: string) => boolean): void {
    const read = readLines(this.#supervision.stdout, (line) => {
      if (!take(line) && line.trim() !== '') this.#supervision.tell({ kind: 'stdout', text: `${line}\n` });
    });
    this.endWithProcess(() => read);
  }
}
