export { SandboxError, type SandboxErrorCode } from './failure.ts';
export type {
  Canary,
  CanaryReport,
  LaunchOptions,
  Mount,
  ProbeFailureCode,
  RunOptions,
  RunResult,
  Sandbox,
  SandboxExit,
  SandboxMode,
  SandboxOptions,
  SandboxProbe,
  SandboxProcess,
  SandboxProfile,
  TerminalLaunch,
} from './profile.ts';
export { createSandbox } from './sandbox.ts';
export { socketBase } from './socket-base.ts';
export type { Stray } from './strays.ts';
