import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { sandboxProfile } from '../../domain/sandbox-profile.ts';
import { EXECUTOR } from '../../domain/ticket.ts';
import type { Sandbox } from '../../services/sandbox/index.ts';
import type { Brand } from '../brand.ts';
import type { Layers } from '../layers/layers.ts';
import type { Places } from '../places.ts';
import { fails, holds, type Checks } from './check.ts';

/** What holds whatever an agent program does (10 and 11). */
export function wallChecks(parts: { places: Places; sandbox: Sandbox; layers: Layers }): Checks {
  const { places, sandbox } = parts;
  /** What the walls are made from: the launcher and how it limits. */
  const mark = async (): Promise<string> => JSON.stringify(await sandbox.probe());

  return {
    workspace: [
      {
        number: 10,
        mark,
        prove: async () => {
          const probe = await sandbox.probe();
          return probe.available
            ? holds(`bubblewrap ${probe.launcher.version}, limits ${probe.limits.replace('-', ' ')}`)
            : fails(`${probe.message} ${probe.hint}`);
        },
      },
    ],
    brand: [
      {
        number: 10,
        mark,
        prove: async ({ brand }) => {
          const report = await proveRoom(brand, places, sandbox);
          const breach = report.canaries.find((canary) => (canary.expected === 'denied') !== canary.denied);
          const denied = report.canaries.filter((canary) => canary.expected === 'denied').length;
          return report.ok
            ? holds(`${denied} canaries denied inside`)
            : fails(`${breach?.name ?? 'the prober did not end'}: ${breach?.detail ?? ''}`);
        },
      },
      {
        number: 11,
        mark,
        prove: async ({ brand }) => {
          if (!brand.config.sealed) return holds('not sealed: nothing is compulsory');
          const missing = await parts.layers.obstacle(brand);
          return missing === null ? holds('all four layers are live') : fails(missing);
        },
      },
    ],
  };
}

/** Lets a prober inside the walls of the brand's executor go for what it must not have. */
async function proveRoom(brand: Brand, places: Places, sandbox: Sandbox): ReturnType<Sandbox['prove']> {
  const contract = brand.contract(EXECUTOR);
  if (!contract.ok) throw new Error(contract.failure.message);
  const folder = mkdtempSync(join(places.sockets, 'doctor-'));
  try {
    return await sandbox.prove(
      sandboxProfile(
        { ...contract.value, reads: [], writes: [], calls: [] },
        {
          name: `${brand.id} doctor`,
          checkout: folder,
          baseObjects: folder,
          prepared: [],
          tools: folder,
          home: null,
          socket: null,
          ticket: null,
          base: null,
          limits: brand.config.limits,
          trust: {},
          sealed: brand.config.sealed,
          ports: brand.config.ports,
          identity: brand.identity,
          program: { mounts: [], environment: {} },
        },
      ),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
