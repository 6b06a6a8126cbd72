import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** How long the token of an address is good, in milliseconds. */
const tokenLives = 60_000;
/** How long a session without a connection lives, in milliseconds. */
const sessionLives = 12 * 60 * 60 * 1_000;
/** More sessions than this are not kept: the one unused longest goes. */
const mostSessions = 200;

/** Tokens of addresses, good once, and the sessions that they are exchanged for. Both end with the core. */
export interface Sessions {
  /** A token for an address: 32 random bytes, base64url. */
  issueToken(): string;
  /** Exchanges a token for a new session; undefined when it is unknown, used or too old. */
  redeem(token: string): string | undefined;
  /** True when the session lives; that also counts as a use of it. */
  resume(session: string): boolean;
}

/** @param clock milliseconds of a clock that never goes back */
export function createSessions(clock: () => number): Sessions {
  const tokens = new Map<string, number>();
  const sessions = new Map<string, number>();

  const drop = (from: Map<string, number>, lives: number): void => {
    for (const [key, at] of from) if (clock() - at > lives) from.delete(key);
  };

  return {
    issueToken() {
      drop(tokens, tokenLives);
      const token = secret();
      tokens.set(digestOf(token), clock());
      return token;
    },
    redeem(token) {
      drop(tokens, tokenLives);
      const key = find(tokens, token);
      if (key === undefined) return undefined;
      tokens.delete(key);
      const session = secret();
      sessions.set(digestOf(session), clock());
      if (sessions.size > mostSessions) {
        const oldest = [...sessions].reduce((a, b) => (b[1] < a[1] ? b : a));
        sessions.delete(oldest[0]);
      }
      return session;
    },
    resume(session) {
      drop(sessions, sessionLives);
      const key = find(sessions, session);
      if (key === undefined) return false;
      sessions.set(key, clock());
      return true;
    },
  };
}

function secret(): string {
  return randomBytes(32).toString('base64url');
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Compares with every entry in constant time. */
function find(among: Map<string, number>, text: string): string | undefined {
  const wanted = Buffer.from(digestOf(text));
  let found: string | undefined;
  for (const key of among.keys()) if (timingSafeEqual(Buffer.from(key), wanted)) found = key;
  return found;
}
