import { EventEmitter } from 'node:events';

/** What the stand-in for Electron's interface was asked to do. */
export interface Asked {
  appEvents: EventEmitter;
  windows: WindowStandIn[];
  schemes: unknown[];
  opened: string[];
  forked: { entry: string; args: string[]; child: ChildStandIn }[];
  permission: { request?: PermissionRequest; check?: () => boolean };
  serve: ((request: { url: string }) => Promise<Response>) | undefined;
  ipc: EventEmitter;
  quits: number;
  sandboxed: boolean;
  /** Set before the program starts: another instance holds the lock. */
  second: boolean;
}

type PermissionRequest = (contents: unknown, permission: string, answer: (granted: boolean) => void) => void;

/** A window as the main process sees it. */
export interface WindowStandIn extends EventEmitter {
  options: { webPreferences: Record<string, unknown> };
  loaded: string[];
  focused: number;
}

export interface ChildStandIn extends EventEmitter {
  posted: { message: unknown; ports: unknown[] }[];
}

/** Stands in for what `hosts/electron` uses of Electron, where Electron's binary cannot be had; fidelity ends there. */
export function standInForElectron(): { asked: Asked; electron: Record<string, unknown> } {
  const asked: Asked = {
    appEvents: new EventEmitter(),
    windows: [],
    schemes: [],
    opened: [],
    forked: [],
    permission: {},
    serve: undefined,
    ipc: new EventEmitter(),
    quits: 0,
    sandboxed: false,
    second: false,
  };

  class BrowserWindow extends EventEmitter {
    readonly loaded: string[] = [];
    readonly options: WindowStandIn['options'];
    focused = 0;
    constructor(options: WindowStandIn['options']) {
      super();
      this.options = options;
      asked.windows.push(this);
    }
    static getAllWindows(): WindowStandIn[] {
      return asked.windows;
    }
    loadURL(url: string): Promise<void> {
      this.loaded.push(url);
      return Promise.resolve();
    }
    isMinimized(): boolean {
      return false;
    }
    focus(): void {
      this.focused += 1;
    }
    show(): void {
      this.emit('shown');
    }
  }

  class MessageChannelMain {
    readonly port1 = { end: 'core' };
    readonly port2 = { end: 'window' };
  }

  const app = {
    commandLine: { getSwitchValue: () => '' },
    requestSingleInstanceLock: () => !asked.second,
    quit: () => {
      asked.quits += 1;
    },
    exit: (code: number) => {
      throw new Error(`exit ${code}`);
    },
    enableSandbox: () => {
      asked.sandboxed = true;
    },
    whenReady: () => Promise.resolve(),
    on: (event: string, listener: (...args: unknown[]) => void) => asked.appEvents.on(event, listener),
  };

  const electron = {
    BrowserWindow,
    MessageChannelMain,
    app,
    ipcMain: asked.ipc,
    protocol: {
      registerSchemesAsPrivileged: (schemes: unknown[]) => asked.schemes.push(...schemes),
      handle: (_scheme: string, handler: Asked['serve']) => {
        asked.serve = handler;
      },
    },
    session: {
      defaultSession: {
        setPermissionRequestHandler: (handler: PermissionRequest) => {
          asked.permission.request = handler;
        },
        setPermissionCheckHandler: (handler: () => boolean) => {
          asked.permission.check = handler;
        },
      },
    },
    shell: {
      openExternal: (url: string) => {
        asked.opened.push(url);
        return Promise.resolve();
      },
    },
    utilityProcess: {
      fork: (entry: string, args: string[]) => {
        const posted: ChildStandIn['posted'] = [];
        const child = Object.assign(new EventEmitter(), {
          posted,
          stdout: new EventEmitter(),
          stderr: new EventEmitter(),
          postMessage: (message: unknown, ports: unknown[]) => posted.push({ message, ports }),
          kill: () => child.emit('exit', 0),
        });
        asked.forked.push({ entry, args, child });
        return child;
      },
    },
  };
  return { asked, electron };
}
