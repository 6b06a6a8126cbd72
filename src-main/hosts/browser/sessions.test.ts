import { beforeEach, describe, expect, test } from 'vitest';
import { createRate } from '../rate.ts';
import { createSessions } from './sessions.ts';

let now = 0;
beforeEach(() => {
  now = 1_000;
});
const clock = (): number => now;

describe('the token of an address', () => {
  test('is 32 random bytes and good once', () => {
    const sessions = createSessions(clock);
    const token = sessions.issueToken();
    expect(Buffer.from(token, 'base64url')).toHaveLength(32);
    expect(sessions.redeem('x')).toBeUndefined();
    expect(sessions.redeem(token)).toMatch(/^[\w-]{43}$/);
    expect(sessions.redeem(token)).toBeUndefined();
  });

  test('is good for 60 seconds', () => {
    const sessions = createSessions(clock);
    const [first, second] = [sessions.issueToken(), sessions.issueToken()];
    now += 60_000;
    expect(sessions.redeem(first)).toBeDefined();
    now += 1;
    expect(sessions.redeem(second)).toBeUndefined();
  });
});

describe('a session', () => {
  test('lives while it is used, and ends after twelve hours without', () => {
    const sessions = createSessions(clock);
    const session = sessions.redeem(sessions.issueToken()) ?? '';
    const twelveHours = 12 * 3_600_000;
    now += twelveHours;
    expect(sessions.resume(session)).toBe(true);
    now += twelveHours;
    expect(sessions.resume(session)).toBe(true);
    now += twelveHours + 1;
    expect(sessions.resume(session)).toBe(false);
  });

  test('is not a token, nor a token a session', () => {
    const sessions = createSessions(clock);
    const token = sessions.issueToken();
    expect(sessions.resume(token)).toBe(false);
    const session = sessions.redeem(token) ?? '';
    expect(sessions.redeem(session)).toBeUndefined();
  });

  test('goes when two hundred newer ones are there', () => {
    const sessions = createSessions(clock);
    const first = sessions.redeem(sessions.issueToken()) ?? '';
    for (let index = 0; index < 200; index += 1) {
      now += 1;
      sessions.redeem(sessions.issueToken());
    }
    expect(sessions.resume(first)).toBe(false);
  });
});

test('a rate gives what it holds and fills up with time', () => {
  const rate = createRate(2, 1, clock);
  expect([rate.take(), rate.take(), rate.take()]).toEqual([true, true, false]);
  now += 1_000;
  expect([rate.take(), rate.take()]).toEqual([true, false]);
  now += 60_000;
  expect([rate.take(), rate.take(), rate.take()]).toEqual([true, true, false]);
});
