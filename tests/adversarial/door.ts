import type { Mechanism } from './mechanism.ts';

/** How somebody comes to the browser door. Tokens and sessions are made when the attack is. */
export interface Visit {
  host?: string;
  /** Null: no origin at all, as from a program. */
  origin?: string | null;
  first: 'fresh token' | 'used token' | 'late token' | 'guessed token' | 'guessed session' | 'a call';
}

/** A visit that must not be served, and the wall that keeps it out. */
export interface DoorAttack extends Mechanism {
  visit: Visit;
  /** `address`: Host and Origin are looked at; `token`: nothing is served before a good token was shown. */
  wall: 'address' | 'token';
}

const door = (id: string, tries: string, wall: DoorAttack['wall'], visit: Visit): DoorAttack => ({
  id: `door.${id}`,
  family: 'browser door',
  tries,
  stoppedBy: ['exits'],
  wall,
  visit,
});

/** Who comes to the WebSocket of the browser door and must not come in. */
export const DOOR_ATTACKS: readonly DoorAttack[] = [
  door('rebinding', 'come by a name of its own that was made to lead to 127.0.0.1', 'address', {
    host: 'evil.example',
    first: 'fresh token',
  }),
  door('cross-site', 'connect from a page of another site in the operator’s browser', 'address', {
    origin: 'https://evil.example',
    first: 'fresh token',
  }),
  door('look-alike-origin', 'connect from a page on another port of the same machine', 'address', {
    origin: 'http://127.0.0.1:1',
    first: 'fresh token',
  }),
  door('program', 'connect from a program, which has no origin', 'address', {
    origin: null,
    first: 'fresh token',
  }),
  door('replay', 'use the token of an address again', 'token', { first: 'used token' }),
  door('late', 'use the token of an address that lay about for more than a minute', 'token', {
    first: 'late token',
  }),
  door('guessed-token', 'guess a token', 'token', { first: 'guessed token' }),
  door('guessed-session', 'guess the session of somebody who is in', 'token', { first: 'guessed session' }),
  door('call-first', 'approve before it has said who it is', 'token', { first: 'a call' }),
];

/** Attacks on the browser door with a test of their own. */
export const DOOR_TESTS: readonly Mechanism[] = [
  {
    id: 'door.files',
    family: 'browser door',
    tries: 'have files outside the page served, by every spelling of the way up',
    stoppedBy: ['exits'],
  },
  {
    id: 'door.rate',
    family: 'browser door',
    tries: 'keep the door busy by requests without end',
    stoppedBy: ['exits'],
  },
];
