import type { IncomingMessage } from 'node:http';

/** A request's body, or why there is none: larger than allowed, or the client went away before its end. */
export type BodyReading = { ok: true; bytes: Buffer } | { ok: false; reason: 'too-large' | 'cut' };

/** Reads a whole body. One that is too large is not kept; the rest of it is left unread. */
export function readBody(request: IncomingMessage, limit: number): Promise<BodyReading> {
  return new Promise((resolve) => {
    const declared = Number(request.headers['content-length'] ?? 0);
    if (declared > limit) {
      resolve({ ok: false, reason: 'too-large' });
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) {
        request.pause();
        chunks.length = 0;
        resolve({ ok: false, reason: 'too-large' });
        return;
      }
      chunks.push(chunk);
    });
    request.on('end', () => resolve({ ok: true, bytes: Buffer.concat(chunks) }));
    request.on('close', () => resolve({ ok: false, reason: 'cut' }));
    request.on('error', () => resolve({ ok: false, reason: 'cut' }));
  });
}

/** A body's JSON, or undefined for what is no JSON in valid UTF-8. */
export function parseJson(bytes: Buffer): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown };
  } catch {
    return undefined;
  }
}
