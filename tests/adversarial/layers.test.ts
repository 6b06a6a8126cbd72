import { chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LayerParts, layerParts } from '../../src-main/app/layers/layer-parts.ts';
import type { ProvingRoom } from '../../src-main/app/layers/proving-room.ts';
import type { LayerName } from '../../src-main/contract/layers.ts';
import { createRuntimes } from '../../src-main/services/runtimes/index.ts';
import { buildArguments } from '../../src-main/services/sandbox/arguments.ts';
import { kernelLayerAt } from '../../src-main/services/sandbox/kernel-layer.ts';
import { chooseLimitKeeper } from '../../src-main/services/sandbox/limits.ts';
import { inspectMounts } from '../../src-main/services/sandbox/mounts.ts';
import { composeSandbox, type SandboxParts } from '../../src-main/services/sandbox/sandbox.ts';
import { laySiege } from './siege.ts';
import { addBrand, appRoot, held, makePlace } from '../support/workspace.ts';
import type { TestPlace } from '../support/workspace.ts';

/** The core's sandbox with some of its parts another. */
const sandboxWith =
  (changes: Partial<SandboxParts>, launcherPath?: string): LayerParts['sandbox'] =>
  (options) =>
    composeSandbox(launcherPath === undefined ? options : { ...options, launcherPath }, {
      buildArguments,
      inspectMounts,
      chooseLimitKeeper: () => chooseLimitKeeper({ mountinfo: '', membership: '', watchIntervalMs: 250 }),
      kernelLayer: kernelLayerAt(options.landlockPath),
      ...changes,
    });

/** As root the launcher unshares the network by name, as an ordinary user with everything else. */
const withNetwork: SandboxParts['buildArguments'] = (input) => {
  const plan = buildArguments(input);
  const options = plan.options.includes('--unshare-net')
    ? plan.options.filter((option) => option !== '--unshare-net')
    : plan.options.flatMap((option) => (option === '--unshare-all' ? [option, '--share-net'] : [option]));
  return { ...plan, options };
};

describe('the four layers, proved', () => {
  let place: TestPlace;
  let fake: string;

  beforeAll(async () => {
    place = makePlace();
    fake = path.join(place.around, 'bin', 'bwrap');
    mkdirSync(path.dirname(fake));
    writeFileSync(fake, '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift; exec "$@"\n');
    chmodSync(fake, 0o755);
    // Earlier on PATH than the one that is used: it must change nothing.
    place.environment['PATH'] = `${path.dirname(fake)}:${place.environment['PATH'] ?? ''}`;
    const core = await place.open();
    await addBrand(core.client, 'acme', place.repository('acme', { 'a.txt': 'a\n' }).path);
    await addBrand(core.client, 'quant', place.repository('quant', { 'q.txt': 'q\n' }).path, {
      sealed: true,
    });
    await core.close();
  });
  afterAll(() => place.remove());

  test('[B4] every brand has all four live, each by canaries of its own, and the proof is kept', async () => {
    const core = await place.open();
    try {
      expect(held(await core.client.guard.layers({})).brands.map(({ layers }) => layers)).toEqual([[], []]);
      const proof = held(await core.client.guard.prove({}));
      expect(proof.breaches).toBe(0);
      expect(proof.brands.map(({ id, sealed }) => ({ id, sealed }))).toEqual([
        { id: 'acme', sealed: false },
        { id: 'quant', sealed: true },
      ]);
      for (const { layers } of proof.brands) {
        expect(layers.map(({ layer, live, detail }) => [layer, live, live ? '' : detail])).toEqual([
          ['call', true, ''],
          ['room', true, ''],
          ['kernel', true, ''],
          ['exit', true, ''],
        ]);
        for (const { canaries } of layers) expect(canaries.length).toBeGreaterThan(1);
      }
      const kept = held(await core.client.guard.layers({ brand: 'quant' }));
      expect(kept.brands[0]?.layers).toEqual(proof.brands[1]?.layers);
      expect(kept.brands[0]?.at).not.toBeNull();
    } finally {
      await core.close();
    }
  });

  const missing: [string, LayerName[], () => LayerParts][] = [
    [
      'the bubblewrap that it would use is replaced',
      ['call', 'room', 'kernel'],
      () => ({ ...layerParts, sandbox: sandboxWith({}, fake) }),
    ],
    [
      'the network filter is off',
      ['room'],
      () => ({ ...layerParts, sandbox: sandboxWith({ buildArguments: withNetwork }) }),
    ],
    [
      'the kernel layer is not applied',
      ['kernel'],
      () => ({ ...layerParts, sandbox: sandboxWith({ kernelLayer: () => null }) }),
    ],
    [
      'the answer of the call’s guard is not enforced',
      ['call'],
      () => ({
        ...layerParts,
        decide: (...asked) => ({ ...layerParts.decide(...asked), decision: 'allow' }),
      }),
    ],
    [
      'the program that asks and heeds is emptied',
      ['call'],
      () => {
        const root = path.join(place.around, 'emptied');
        cpSync(path.join(appRoot, 'resources'), path.join(root, 'resources'), { recursive: true });
        writeFileSync(path.join(root, 'resources', 'run', 'line-agent.mjs'), '');
        const runtimes = createRuntimes({
          programs: {},
          nodeInside: '/opt/node/bin/node',
          path: '',
          appRoot: root,
        });
        return { ...layerParts, layers: (of) => layerParts.layers({ ...of, runtimes }) };
      },
    ],
    [
      'the hook that an agent program is given is emptied',
      ['call'],
      () => {
        const tools = path.join(place.around, 'emptied-tools');
        cpSync(path.join(appRoot, 'resources', 'run'), tools, { recursive: true });
        writeFileSync(path.join(tools, 'atrium.mjs'), '');
        const emptied = (room: ProvingRoom): ProvingRoom => ({
          ...room,
          profile(...facts) {
            const profile = room.profile(...facts);
            const mounts = profile.mounts.map((mount) =>
              mount.target === '/opt/atrium/run' ? { ...mount, source: tools } : mount,
            );
            return { ...profile, mounts };
          },
        });
        return {
          ...layerParts,
          layers: (of) =>
            layerParts.layers(of).map((layer) => ({
              ...layer,
              prove: ({ brand, room }) => layer.prove({ brand, room: emptied(room) }),
            })),
        };
      },
    ],
    [
      'the gate’s audit is skipped',
      ['exit'],
      () => ({
        ...layerParts,
        audit: () => Promise.resolve({ outcome: 'pass', detail: 'skipped', durationMs: 0 }),
      }),
    ],
  ];

  test.each(missing)(
    '[B4] %s: the layer is named, and a sealed brand does not run',
    async (_what, layers, made) => {
      const core = await place.open(made());
      const siege = laySiege(core);
      try {
        const proof = held(await core.client.guard.prove({ brand: 'quant' }));
        const [quant] = proof.brands;
        expect(quant?.layers.filter(({ live }) => !live).map(({ layer }) => layer)).toEqual(layers);
        const { id } = await siege.order('quant', {
          ...{ title: `Without ${layers.join(', ')}`, paths: ['q.txt'] },
          ...{ acceptance: ['true'], command: 'true' },
        });
        for await (const _report of await core.client.start({ phase: 7 }));
        const waits = held(await core.client.ticket.show({ id }));
        expect([waits.state, waits.attempts]).toEqual(['ready', 0]);
        const named = `quant is sealed and needs all four layers, but the layer "${layers[0]}"`;
        expect(waits.reason).toContain(layers.length > 1 ? fake : named);
      } finally {
        await siege.end();
        await core.close();
      }
    },
    180_000,
  );

  const names: readonly LayerName[] = ['call', 'room', 'kernel', 'exit'];
  const several = Array.from({ length: 16 }, (_, bits) => names.filter((_name, at) => (bits >> at) & 1))
    .filter((absent) => absent.length === 2 || absent.length === 3)
    .sort((a, b) => a.length - b.length);

  test('[B4] with each pair and each triple absent all of them are named, and a sealed brand does not run', async () => {
    let absent: readonly LayerName[] = [];
    const has = (layer: LayerName) => !absent.includes(layer);
    const core = await place.open({
      ...layerParts,
      decide: (...asked) => ({
        ...layerParts.decide(...asked),
        ...(has('call') ? {} : { decision: 'allow' }),
      }),
      sandbox: (options) => {
        const layer = kernelLayerAt(options.landlockPath);
        return sandboxWith({
          buildArguments: (input) => (has('room') ? buildArguments(input) : withNetwork(input)),
          kernelLayer: () => (has('kernel') ? layer() : null),
        })(options);
      },
      audit: (...given) =>
        has('exit')
          ? layerParts.audit(...given)
          : Promise.resolve({ outcome: 'pass', detail: 'skipped', durationMs: 0 }),
    });
    const siege = laySiege(core);
    try {
      const ordered: string[] = [];
      for (absent of several) {
        const draft = { title: absent.join(', '), paths: ['q.txt'], acceptance: ['true'], command: 'true' };
        ordered.push((await siege.order('quant', draft)).id);
        const proof = held(await core.client.guard.prove({ brand: 'quant' })).brands[0]?.layers;
        expect(proof?.flatMap(({ layer, live }) => (live ? [] : [layer]))).toEqual(absent);
      }
      for await (const _report of await core.client.start({}));
      for (const id of ordered) {
        const waits = held(await core.client.ticket.show({ id }));
        expect([waits.title, waits.state, waits.attempts]).toEqual([waits.title, 'ready', 0]);
        expect(waits.reason).toContain('quant is sealed and needs all four layers');
      }
      expect(ordered).toHaveLength(10);
      // The control: with all four it runs.
      absent = [];
      await siege.order('quant', {
        title: 'All four',
        paths: ['q.txt'],
        acceptance: ['true'],
        command: 'true',
      });
      await siege.until(ordered[0] ?? '', ({ attempts }) => attempts > 0);
    } finally {
      await siege.end();
      await core.close();
    }
  });
});
