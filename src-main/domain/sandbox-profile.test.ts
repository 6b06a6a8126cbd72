import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AgentContract } from '../contract/config.ts';
import type { TicketId } from '../contract/ids.ts';
import { INSIDE } from './inside.ts';
import { sandboxProfile, type ProfileFacts } from './sandbox-profile.ts';

const facts: ProfileFacts = {
  name: 'R-shop-1',
  checkout: '/ws/checkouts/shop/T-shop-1',
  baseObjects: '/repo/.git/objects',
  prepared: [{ path: 'node_modules', source: '/ws/.atrium/brands/shop/setup/1' }],
  tools: '/app/resources/run',
  home: '/ws/homes/shop/R-shop-1',
  socket: '/tmp/atrium-1/s.sock',
  ticket: 'T-shop-1' as TicketId,
  base: 'b'.repeat(40),
  limits: { memoryMb: 1, processes: 1, temporaryMb: 1 },
  trust: {},
  identity: null,
  sealed: false,
  ports: [],
  program: { mounts: [{ source: '/agent', target: '/opt/agent', access: 'write' }], environment: {} },
};

const contract = (over: Partial<AgentContract>): AgentContract => ({
  name: 'x',
  description: 'x',
  reads: [],
  writes: [],
  owns: [],
  tools: [],
  network: 'none',
  calls: [],
  mayCall: [],
  modelClass: 'none',
  rules: [],
  instructions: '',
  digest: '',
  ...over,
});

const writable = (over: Partial<AgentContract>) =>
  sandboxProfile(contract(over), facts).mounts.flatMap((mount) =>
    mount.kind === 'bind' && mount.access === 'write' ? [mount.target] : [],
  );

test('a role that writes the checkout can, one that reads it cannot, one that does neither does not see it', () => {
  expect(writable({ reads: ['checkout'], writes: ['checkout'] })).toEqual([INSIDE.checkout, INSIDE.home]);
  expect(writable({ reads: ['checkout'] })).toEqual([INSIDE.home]);
  const blind = sandboxProfile(contract({ reads: ['wiki/<brand>'] }), facts);
  expect(blind.mounts.map(({ target }) => target)).toEqual([INSIDE.tools, INSIDE.home, '/opt/agent']);
  expect(blind.workdir).toBe(INSIDE.home);
});

test('a role without verbs has no socket', () => {
  expect(sandboxProfile(contract({ calls: [] }), facts).socket).toBeNull();
  expect(sandboxProfile(contract({ calls: ['progress'] }), facts).socket).toEqual({ source: facts.socket });
});

test('whatever a contract says: nothing but the checkout and its home is writable, and nothing is mounted that it was not given', () => {
  const place = fc.constantFrom('checkout' as const, 'wiki/<brand>' as const, 'wiki/_global' as const);
  const given = [
    facts.checkout,
    facts.baseObjects,
    facts.tools,
    facts.home,
    ...facts.prepared.map(({ source }) => source),
    ...facts.program.mounts.map(({ source }) => source),
  ];
  fc.assert(
    fc.property(fc.uniqueArray(place), fc.uniqueArray(place), (reads, writes) => {
      for (const mount of sandboxProfile(contract({ reads, writes }), facts).mounts) {
        if (mount.kind !== 'bind') continue;
        expect(given).toContain(mount.source);
        if (mount.access === 'write') expect([INSIDE.checkout, INSIDE.home]).toContain(mount.target);
      }
    }),
  );
});
