import { LayerName } from '../../contract/layers.ts';
import type { Sandbox } from '../../services/sandbox/index.ts';
import { fails, holds, type Checks } from './check.ts';

/** What holds whatever an agent program does (10 and 11). */
export function wallChecks({ sandbox }: { sandbox: Sandbox }): Checks {
  const mark = () => sandbox.stamp();
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
        prove: async (patient, examination) => {
          const room = await examination.layer(patient, 'room');
          return room.live ? holds(room.detail) : fails(room.detail);
        },
      },
      {
        number: 11,
        mark,
        prove: async (patient, examination) => {
          const proofs = await Promise.all(LayerName.options.map((name) => examination.layer(patient, name)));
          const missing = proofs.find(({ live }) => !live);
          if (patient.brand.config.sealed)
            return missing === undefined
              ? holds('sealed, and all four layers are live')
              : fails(`sealed, and the layer "${missing.layer}" does not hold: ${missing.detail}`);
          return missing === undefined
            ? holds('not sealed; all four layers are live')
            : holds(`not sealed; without the layer "${missing.layer}": ${missing.detail}`);
        },
      },
    ],
  };
}
