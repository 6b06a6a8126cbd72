import type { Mechanism } from './mechanism.ts';

const terminal = (id: string, tries: string, stoppedBy: Mechanism['stoppedBy']): Mechanism => ({
  id: `terminal.${id}`,
  family: 'terminals',
  tries,
  stoppedBy,
});

/** What is done in a brand's desk, and to who looks at it. */
export const TERMINAL_TESTS: readonly Mechanism[] = [
  terminal('answer-back', 'have its terminal type an answer that carries text of its own', ['exits']),
  terminal('replay', 'reach the clipboard or the title of whoever looks at it later', ['exits']),
  terminal('eight-bits', 'steer the operator’s own terminal by controls in eight bits', ['exits']),
  terminal('other-desk', 'read, end or attach to the desk of another brand', ['room', 'kernel']),
  terminal('left-behind', 'leave a process in the desk with setsid, nohup and a double fork', ['room']),
  terminal('attach', 'attach to a terminal by its id over the socket of a run', ['exits']),
];
