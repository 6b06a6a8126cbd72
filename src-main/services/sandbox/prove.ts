import type { CanaryReport, RunOptions, RunResult, SandboxProfile } from './profile.ts';
export interface ProveHost {
  run(profile: SandboxProfile, command: string[], options: RunOptions): Promise<RunResult>;
  stateDir(): string;
  forwarderPath: string;
}
export async function proveProfile(_host: ProveHost, _profile: SandboxProfile): Promise<CanaryReport> {
  return { ok: false, canaries: [] };
}
