import path from 'node:path';
import { loadNativeSpawn, type NativeSpawn } from '../../src-main/services/processes/index.ts';

/** What the core starts its children with, for tests of services by themselves. */
export const nativeSpawn: NativeSpawn | undefined =
  loadNativeSpawn(path.resolve(import.meta.dirname, '../../out/native/spawn.node')) ?? undefined;
