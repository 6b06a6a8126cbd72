import { z } from 'zod';
import type { LaunchedProcess } from './port.ts';

const Message = z.union([
  z.object({ id: z.union([z.number(), z.string()]), method: z.string(), params: z.unknown() }),
  z.object({ id: z.number(), result: z.unknown(), error: z.undefined().optional() }),
  z.object({ id: z.number(), error: z.object({ code: z.number().optional(), message: z.string() }) }),
  z.object({ method: z.string(), params: z.unknown() }),
]);

/** An error that the other side answered a request with. */
export class AnswerError extends Error {
  readonly code: number | null;

  constructor(code: number | null, message: string) {
    super(message);
    this.name = 'AnswerError';
    this.code = code;
  }
}

/** JSON-RPC over a process's stdio, one message a line and without the version field that the standard asks for. */
export class JsonLines {
  readonly #process: LaunchedProcess;
  readonly #waiting = new Map<
    number,
    { resolve: (result: unknown) => void; reject: (error: unknown) => void }
  >();
  readonly #onNotification: (method: string, params: unknown) => void;
  readonly #onRequest: (method: string, params: unknown) => Promise<unknown>;
  #last = 0;

  /** @param handlers `onRequest` answers with what is sent back; a rejection is sent as an error */
  constructor(
    process: LaunchedProcess,
    handlers: {
      onNotification(method: string, params: unknown): void;
      onRequest(method: string, params: unknown): Promise<unknown>;
    },
  ) {
    this.#process = process;
    this.#onNotification = (method, params) => handlers.onNotification(method, params);
    this.#onRequest = (method, params) => handlers.onRequest(method, params);
  }

  /** @throws {AnswerError} the other side refuses; it does not settle where the process ends first */
  async request<S extends z.ZodType>(method: string, params: unknown, schema: S): Promise<z.output<S>> {
    const id = (this.#last += 1);
    const answered = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#send({ id, method, params });
    return schema.parse(await answered);
  }

  notify(method: string): void {
    this.#send({ method });
  }

  /** Takes a line that arrived; false for one that is no message. */
  take(line: string): boolean {
    const message = parse(line);
    if (message === null) return false;
    if ('method' in message) {
      if ('id' in message) void this.#answer(message.id, message.method, message.params);
      else this.#onNotification(message.method, message.params);
      return true;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.error === undefined) waiting?.resolve('result' in message ? message.result : undefined);
    else waiting?.reject(new AnswerError(message.error.code ?? null, message.error.message));
    return true;
  }

  async #answer(id: number | string, method: string, params: unknown): Promise<void> {
    try {
      this.#send({ id, result: await this.#onRequest(method, params) });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#send({ id, error: { code: -32_601, message } });
    }
  }

  #send(message: Record<string, unknown>): void {
    this.#process.stdin.write(`${JSON.stringify(message)}\n`);
  }
}

function parse(line: string): z.infer<typeof Message> | null {
  try {
    const parsed = Message.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
