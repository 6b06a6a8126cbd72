import react from '@vitejs/plugin-react';
import { join } from 'node:path';
import { defineConfig } from 'electron-vite';
import { build, type Plugin } from 'vite';
import manifest from './package.json' with { type: 'json' };

// Packages that are plain JavaScript go into the bundle: a command then reads a few files instead of hundreds.
const bundled = [
  '@orpc/client',
  '@orpc/contract',
  '@orpc/server',
  '@agentclientprotocol/sdk',
  'chokidar',
  'commander',
  'picomatch',
  'ws',
  'yaml',
  'zod',
];

/**
 * The page stands at many addresses (`/ticket/…`), and its files at one: addresses relative to the page would break a reload.
 * electron-vite makes them relative for `file://`, which no door of Atrium uses.
 */
const rooted = { name: 'atrium:rooted', enforce: 'post' as const, config: () => ({ base: '/' }) };

/** `atrium mcp` is one file: inside the walls there are no packages. It is built beside the core. */
const runTools: Plugin = {
  name: 'atrium:run-tools',
  apply: 'build',
  async writeBundle(options) {
    await build({
      configFile: false,
      logLevel: 'error',
      define: { ATRIUM_VERSION: JSON.stringify(manifest.version) },
      ssr: { noExternal: true },
      build: {
        ssr: 'src-main/hosts/run/main.ts',
        outDir: join(options.dir ?? 'out/main', '..', 'run'),
        emptyOutDir: true,
        target: 'node24',
        rolldownOptions: { output: { entryFileNames: 'mcp.mjs', codeSplitting: false } },
      },
    });
  },
};

export default defineConfig({
  main: {
    plugins: [runTools],
    build: {
      externalizeDeps: { exclude: bundled },
      rolldownOptions: {
        input: {
          core: 'src-main/hosts/core/main.ts',
          'log-worker': 'src-main/app/doctor/log-worker.ts',
          cli: 'src-main/hosts/cli/main.ts',
          electron: 'src-main/hosts/electron/main.ts',
        },
        // ws looks for these and does without them.
        external: ['bufferutil', 'utf-8-validate'],
        output: { entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
      },
    },
  },
  preload: {
    build: {
      externalizeDeps: false,
      rolldownOptions: {
        input: { index: 'src-preload/index.ts' },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: 'src-renderer',
    plugins: [react(), rooted],
    build: {
      minify: true,
      rolldownOptions: { input: 'src-renderer/index.html' },
    },
  },
});
