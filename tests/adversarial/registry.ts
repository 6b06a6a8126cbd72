import { DECISION_TESTS, HIDDEN } from './decisions.ts';
import { DOOR_ATTACKS, DOOR_TESTS } from './door.ts';
import { GATE_ATTACKS, GATE_TESTS } from './gate.ts';
import { INSIDE_ATTACKS } from './inside.ts';
import { CARRIED, PAGE_TEST, SAID, SECRET_TESTS } from './leaks.ts';
import { PROTOCOL_TESTS } from './protocols.ts';
import { SABOTAGE_TESTS } from './sabotage.ts';
import { SILENCE_TESTS } from './silence.ts';
import { TERMINAL_TESTS } from './terminals.ts';
import { WORD_TESTS } from './words.ts';
import type { Mechanism } from './mechanism.ts';

/** Attacks that a table runs, each with its control. */
export const IN_TABLES: readonly Mechanism[] = [
  ...INSIDE_ATTACKS,
  ...GATE_ATTACKS,
  ...DOOR_ATTACKS,
  ...SAID,
  ...CARRIED,
  ...HIDDEN,
];

/** Attacks with a test of their own, whose title ends with the id in brackets; the control is in it or beside it. */
export const IN_TESTS: readonly Mechanism[] = [
  ...GATE_TESTS,
  ...WORD_TESTS,
  ...SILENCE_TESTS,
  ...DOOR_TESTS,
  ...SABOTAGE_TESTS,
  PAGE_TEST,
  ...SECRET_TESTS,
  ...DECISION_TESTS,
  ...PROTOCOL_TESTS,
  ...TERMINAL_TESTS,
];

/** Every mechanism that is tried against the walls. */
export const MECHANISMS: readonly Mechanism[] = [...IN_TABLES, ...IN_TESTS];
