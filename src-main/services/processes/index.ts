export { loadNativeSpawn, type NativeSpawn } from './native-spawn.ts';
