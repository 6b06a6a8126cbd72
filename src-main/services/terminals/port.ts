/** Size of a terminal in characters. */
export interface TerminalSize {
  columns: number;
  rows: number;
}

/** How a program in a terminal ended; `signal` is 0 where none ended it. */
export interface PtyExit {
  code: number;
  signal: number;
}

/** What is started in a PTY. `environment` is all that the program finds: nothing of the core's own is added. */
export interface PtyLaunch {
  file: string;
  args: string[];
  environment: Record<string, string>;
  /** Absolute path. */
  cwd: string;
  size: TerminalSize;
}

/** A program in a PTY. Bytes go through it as they are. */
export interface Pty {
  pid: number;
  /** The one listener of what the program writes. */
  onData(listener: (bytes: Uint8Array) => void): void;
  /** The one listener of its end, which comes after all data. */
  onExit(listener: (exit: PtyExit) => void): void;
  /** What was typed. A program that is gone takes no more: it is dropped. */
  write(bytes: Uint8Array): void;
  resize(size: TerminalSize): void;
  /** Stops reading: the program waits once the kernel's own room is full. */
  pause(): void;
  resume(): void;
}

/** Starts programs in PTYs. Ending one is the business of whoever planned the launch. */
export interface PtyPort {
  /** @throws Error where no PTY can be had */
  spawn(launch: PtyLaunch): Pty;
}
