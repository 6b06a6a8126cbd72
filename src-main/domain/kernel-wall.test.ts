import { describe, expect, test } from 'vitest';
import type { AgentContract } from '../contract/config.ts';
import { kernelWall, type KernelFacts } from './kernel-wall.ts';

const contract = (reads: AgentContract['reads'], writes: AgentContract['writes']): AgentContract => ({
  ...{ name: 'role', description: 'd', reads, writes, tools: [], network: 'none', calls: [] },
  ...{ modelClass: 'none', instructions: '', digest: '', owns: [], mayCall: [], rules: [] },
});
const facts: KernelFacts = {
  prepared: [{ path: 'node_modules', source: '/host/setup' }],
  program: { mounts: [{ source: '/host/agent', target: '/opt/agent', access: 'write' }], environment: {} },
  sealed: false,
  ports: [3000],
};

describe('the kernel layer of a contract', () => {
  test('a role that writes its checkout changes that, its home and the scratch beside its dependencies', () => {
    expect(kernelWall(contract(['checkout'], ['checkout']), facts)).toEqual({
      read: ['/opt/atrium/run', '/opt/agent', '/opt/atrium/base'],
      write: ['/home/agent', '/work', '/work/node_modules/.cache'],
      ports: null,
      required: false,
    });
  });

  test('a role that only reads changes neither the checkout nor what its program asks for', () => {
    const { read, write } = kernelWall(contract(['checkout'], []), facts);
    expect(read).toContain('/work');
    expect(write).toEqual(['/home/agent', '/work/node_modules/.cache']);
  });

  test('a role without a checkout has none, whatever is mounted', () => {
    const { read, write } = kernelWall(contract([], ['checkout']), facts);
    expect([...read, ...write].some((path) => path.startsWith('/work'))).toBe(false);
  });

  test('a sealed brand has the ports that it names, and does not start without the layer', () => {
    expect(kernelWall(contract(['checkout'], []), { ...facts, sealed: true })).toMatchObject({
      ports: [3000],
      required: true,
    });
  });
});
