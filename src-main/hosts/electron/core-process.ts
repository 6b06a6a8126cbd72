import { utilityProcess } from 'electron';
import type { MessagePortMain, UtilityProcess } from 'electron';

/** The core as a child of Electron's main: it outlives every window and ends by itself when nobody needs it. */
export interface CoreProcess {
  /** Hands one end of a window's channel to the core, which is started where none runs; `channel` says for what. */
  connect(port: MessagePortMain, channel: 'operator' | 'terminal'): void;
  /** Asks the core to end. */
  stop(): void;
}

/**
 * @param entry absolute path of the core's entry file
 * @param workspace absolute path
 * @param tell gets what the core logs, and a failure to start
 */
export function createCoreProcess(
  entry: string,
  workspace: string,
  tell: (line: string) => void,
): CoreProcess {
  let running: UtilityProcess | undefined;

  const start = (): UtilityProcess => {
    const child = utilityProcess.fork(entry, ['--workspace', workspace], {
      serviceName: 'Atrium core',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout?.on('data', (data: Buffer) => tell(data.toString('utf8').trimEnd()));
    child.stderr?.on('data', (data: Buffer) => tell(data.toString('utf8').trimEnd()));
    child.once('exit', () => {
      if (running === child) running = undefined;
    });
    return child;
  };

  return {
    connect(port, channel) {
      running ??= start();
      running.postMessage({ type: 'port', channel }, [port]);
    },
    stop() {
      running?.kill();
    },
  };
}
