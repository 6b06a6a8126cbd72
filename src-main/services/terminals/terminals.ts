import type { Pty, PtyExit, PtyLaunch, PtyPort, TerminalSize } from './port.ts';
import { createScreen, type Screen } from './screen.ts';

/** Reading stops once so much is not acknowledged, in bytes. */
export const PAUSE_AT = 512 * 1024;
/** Reading goes on once so little is not acknowledged, in bytes. */
export const RESUME_AT = 128 * 1024;
/** A viewer that acknowledges nothing for so long while the program waits for it is let go, in milliseconds. */
export const STALLED_AFTER = 15_000;

/** Who looks at a terminal. What it is sent by `begin` and `data` it acknowledges, in bytes. */
export interface Viewer {
  /** First of all: the size, and what makes an empty terminal show what there is. */
  begin(size: TerminalSize, replay: Uint8Array): void;
  data(bytes: Uint8Array): void;
  /** Another viewer gave the terminal another size. */
  size(size: TerminalSize): void;
  /** After all data; nothing follows. */
  ended(exit: PtyExit): void;
  /** It did not keep up and is not a viewer any more; it may attach anew. */
  dropped(): void;
}

/** A viewer's hold on a terminal. */
export interface Attachment {
  write(bytes: Uint8Array): void;
  acknowledge(bytes: number): void;
  /** The last one who asks gives the terminal its size. */
  resize(size: TerminalSize): void;
  detach(): void;
}

/** The terminals of one core, by id. They belong to it: viewers come and go. */
export interface Terminals {
  /**
   * Starts a program under an id that no live terminal has.
   * @throws Error where no PTY can be had
   */
  open(id: string, launch: PtyLaunch, onExit: (exit: PtyExit) => void): { pid: number };
  /** Null where no live terminal has that id. */
  attach(id: string, viewer: Viewer): Attachment | null;
  size(id: string): TerminalSize | null;
  live(): string[];
}

interface Seat {
  viewer: Viewer;
  /** Null once the viewer has begun; until then, what came after its attaching. */
  early: Uint8Array[] | null;
  unacknowledged: number;
  cancelStall: (() => void) | null;
}

/** @param after calls back once, after milliseconds, unless what it returns is called before */
export function createTerminals(options: {
  ptys: PtyPort;
  after(ms: number, fn: () => void): () => void;
}): Terminals {
  const terminals = new Map<string, { pty: Pty; screen: Screen; attach(viewer: Viewer): Attachment }>();

  const open: Terminals['open'] = (id, launch, onExit) => {
    if (terminals.has(id)) throw new Error(`There is a terminal ${id} already.`);
    const pty = options.ptys.spawn(launch);
    const screen = createScreen(launch.size, (answer) => pty.write(answer));
    const seats = new Set<Seat>();
    let unread = 0;
    let paused = false;

    const settle = () => {
      const most = Math.max(unread, ...[...seats].map((seat) => seat.unacknowledged));
      if (paused ? most > RESUME_AT : most <= PAUSE_AT) return;
      paused = !paused;
      if (paused) pty.pause();
      else pty.resume();
    };
    const leave = (seat: Seat) => {
      seat.cancelStall?.();
      seats.delete(seat);
      settle();
    };
    const watch = (seat: Seat) => {
      seat.cancelStall?.();
      seat.cancelStall = null;
      if (seat.unacknowledged <= RESUME_AT) return;
      seat.cancelStall = options.after(STALLED_AFTER, () => {
        leave(seat);
        seat.viewer.dropped();
      });
    };
    const send = (seat: Seat, bytes: Uint8Array, how: () => void) => {
      const was = seat.unacknowledged;
      seat.unacknowledged += bytes.length;
      how();
      if (was <= RESUME_AT && seats.has(seat)) watch(seat);
    };

    pty.onData((bytes) => {
      unread += bytes.length;
      screen.write(bytes, () => {
        unread -= bytes.length;
        settle();
      });
      for (const seat of seats)
        if (seat.early) seat.early.push(bytes);
        else send(seat, bytes, () => seat.viewer.data(bytes));
      settle();
    });
    pty.onExit((exit) => {
      terminals.delete(id);
      // Whoever attached a moment ago still sees the end: its picture is made behind what was written before.
      screen.write(new Uint8Array(), () => {
        for (const seat of seats) {
          seat.cancelStall?.();
          seat.viewer.ended(exit);
        }
        seats.clear();
        screen.dispose();
      });
      onExit(exit);
    });

    const attach = (viewer: Viewer): Attachment => {
      const seat: Seat = { viewer, early: [], unacknowledged: 0, cancelStall: null };
      seats.add(seat);
      // The picture holds what was written before the attaching; what comes meanwhile follows it.
      screen.write(new Uint8Array(), () => {
        if (!seats.has(seat)) return;
        const replay = screen.replay();
        const early = seat.early ?? [];
        seat.early = null;
        send(seat, replay, () => viewer.begin(screen.size(), replay));
        if (seats.has(seat)) for (const bytes of early) send(seat, bytes, () => viewer.data(bytes));
        settle();
      });
      return {
        write: (bytes) => pty.write(bytes),
        acknowledge(bytes) {
          seat.unacknowledged = Math.max(0, seat.unacknowledged - bytes);
          if (seats.has(seat)) watch(seat);
          settle();
        },
        resize(size) {
          if (!seats.has(seat)) return;
          const now = screen.size();
          if (now.columns === size.columns && now.rows === size.rows) return;
          pty.resize(size);
          screen.resize(size);
          for (const other of seats) if (other !== seat && !other.early) other.viewer.size(size);
        },
        detach: () => leave(seat),
      };
    };
    terminals.set(id, { pty, screen, attach });
    return { pid: pty.pid };
  };

  return {
    open,
    attach: (id, viewer) => terminals.get(id)?.attach(viewer) ?? null,
    size: (id) => terminals.get(id)?.screen.size() ?? null,
    live: () => [...terminals.keys()],
  };
}
