import { existsSync } from 'node:fs';
import path from 'node:path';
import { connectCore, ensureCore } from '../core/client.ts';
import type { CoreConnection } from '../core/client.ts';
import { placeOf } from '../core/place.ts';
import type { Place } from '../core/place.ts';
import type { DoorNeed } from '../../contract/host-api.ts';
import { refuse, valueOf } from './failure.ts';
import { createOutput } from './output.ts';
import type { Output } from './output.ts';
import { chooseWorkspace, makeFirstWorkspace, requireWorkspace } from './workspace.ts';

/** What every command takes, before or after its name. */
export interface CommonOptions {
  workspace?: string;
  json?: boolean;
}

/** What a command works with. */
export interface CommandContext {
  output: Output;
  /** The folder that holds `out/` and `resources/`. */
  appRoot: string;
  /** Absolute path of the workspace, which is one and has a readable configuration. */
  place(): Place;
  /** Makes the workspace where a first start finds none; true when it was made. */
  makeFirst(): boolean;
  /** A connection to the core, which is started when none runs; closed when the command ends. */
  core(need?: DoorNeed): Promise<CoreConnection>;
  /** A connection to the core where one runs. */
  runningCore(): Promise<CoreConnection | undefined>;
  /** Ends what the command opened. */
  close(): void;
}

/** @param appRoot the folder that holds `out/` and `resources/` */
export function createContext(appRoot: string, options: CommonOptions): CommandContext {
  const opened: CoreConnection[] = [];
  const chosen = chooseWorkspace(options.workspace, process.cwd(), process.env);
  const now = calendarNow(process.env['ATRIUM_NOW']);
  const keep = <T extends CoreConnection | undefined>(connection: T): T => {
    if (connection !== undefined) opened.push(connection);
    return connection;
  };
  const place = (): Place => {
    requireWorkspace(chosen);
    return placeOf(chosen.workspace, process.env);
  };
  return {
    output: createOutput(options.json === true),
    appRoot,
    place,
    makeFirst: () => makeFirstWorkspace(chosen, appRoot),
    core: async (need = 'command') => {
      const program = {
        node: nodePath(appRoot),
        entry: path.join(appRoot, 'out/main/core.js'),
        environment: process.env,
      };
      return keep(valueOf(await ensureCore(place(), { need, now }, program)));
    },
    runningCore: async () => keep(await connectCore(place(), { need: 'command', now })),
    close: () => {
      for (const connection of opened) connection.close();
    },
  };
}

/** Where the calendar is moved to, if anywhere; what is no instant ends the command rather than being passed over. */
function calendarNow(given: string | undefined): string | undefined {
  if (given === undefined || given === '') return undefined;
  if (/^\d{4}-/.test(given) && !Number.isNaN(Date.parse(given))) return given;
  refuse(
    'usage',
    `ATRIUM_NOW is "${given}", which is no instant.`,
    'Give one in ISO 8601, like 2026-11-26T06:00:00Z, or unset it.',
  );
}

/** The node that Atrium brings along, or the one that runs this. */
export function nodePath(appRoot: string): string {
  const packaged = path.join(appRoot, 'node_modules/node/bin/node');
  return existsSync(packaged) ? packaged : process.execPath;
}
