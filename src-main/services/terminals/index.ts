export { nodePty } from './node-pty.ts';
export type { Pty, PtyExit, PtyLaunch, PtyPort, TerminalSize } from './port.ts';
export {
  createTerminals,
  PAUSE_AT,
  RESUME_AT,
  STALLED_AFTER,
  type Attachment,
  type Terminals,
  type Viewer,
} from './terminals.ts';
