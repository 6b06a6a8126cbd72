import { tmpdir } from 'node:os';

/** What the names below it may add to a socket's path of 107 bytes. */
const LONGEST_BASE = 107 - 47;

/** Where folders for sockets are made: the temporary folder, or `/tmp` where its path leaves too little for a socket's. */
export function socketBase(): string {
  const own = tmpdir();
  return Buffer.byteLength(own) <= LONGEST_BASE ? own : '/tmp';
}
