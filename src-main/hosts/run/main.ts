import { serveRunTools } from './mcp.ts';

declare const ATRIUM_VERSION: string;

try {
  await serveRunTools(process.env, ATRIUM_VERSION);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
