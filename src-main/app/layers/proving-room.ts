import { chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentContract } from '../../contract/config.ts';
import { sandboxProfile, type ProfileFacts, type SandboxProfile } from '../../domain/sandbox-profile.ts';
import type { CanaryReport, Sandbox } from '../../services/sandbox/index.ts';
import type { Brand } from '../brand.ts';
import type { Places } from '../places.ts';

/** A room like that of the brand's executor, made of empty folders that go with it. */
export interface ProvingRoom {
  contract: AgentContract;
  /** Host side of the home inside. */
  home: string;
  profile(program: ProfileFacts['program'], socket?: string): SandboxProfile;
  /** What the canaries of the walls showed; they are laid out once. */
  walls(): Promise<CanaryReport>;
  dispose(): void;
}

/** Makes the room. Its walls, user, limits and kernel layer are those of the brand's runs. */
export function makeProvingRoom(
  brand: Brand,
  contract: AgentContract,
  parts: { places: Places; sandbox: Sandbox; tools: string },
): ProvingRoom {
  const folder = mkdtempSync(join(parts.places.sockets, 'proof-'));
  const own = (name: string): string => {
    const path = join(folder, name);
    mkdirSync(path);
    if (brand.identity) chownSync(path, brand.identity.uid, brand.identity.gid);
    return path;
  };
  const [checkout, baseObjects, home] = [own('checkout'), own('base'), own('home')];
  const profile: ProvingRoom['profile'] = (program, socket) =>
    sandboxProfile(contract, {
      name: `${brand.id} proof`,
      ...{ checkout, baseObjects, home, program },
      prepared: [],
      tools: parts.tools,
      socket: socket ?? null,
      ticket: null,
      base: null,
      limits: brand.limits,
      trust: {},
      identity: brand.identity,
      sealed: brand.config.sealed,
      ports: brand.config.ports,
    });
  let report: Promise<CanaryReport> | undefined;
  return {
    contract,
    home,
    profile,
    walls: () => (report ??= parts.sandbox.prove(profile({ mounts: [], environment: {} }))),
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}
