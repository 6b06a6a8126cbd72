import { readdirSync, readFileSync } from 'node:fs';

const CLOSE_ON_EXEC = 0o2000000;

/**
 * Descriptors above stderr which a child of this process would inherit. Node opens its own close-on-exec; what
 * whoever started this process left open is not, and would reach a sandbox.
 */
export function inheritableDescriptors(): number[] {
  const leaking: number[] = [];
  for (const name of readdirSync('/proc/self/fd')) {
    const descriptor = Number(name);
    if (descriptor <= 2) continue;
    try {
      const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${name}`, 'utf8'))?.[1];
      if (flags === undefined || (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0) leaking.push(descriptor);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return leaking;
}
