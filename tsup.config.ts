// Bundles the process (src/main.ts) and every thread that it starts (src/**/*-main.ts) flat into dist, each under its own file
// name: src/media/worker/worker-main.ts becomes dist/worker-main.js. A thread is started by a URL that holds in both places:
//   new URL(import.meta.url.endsWith('.ts') ? '../worker/worker-main.ts' : './worker-main.js', import.meta.url)
// Shared chunks stay beside the entries, so that the second form holds wherever the bundler puts the code.
import { cpSync, globSync } from 'node:fs';
import { basename } from 'node:path';
import { defineConfig } from 'tsup';

const threads = globSync('src/**/*-main.ts').map((file) => [basename(file, '.ts'), file] as const);

export default defineConfig({
  entry: { main: 'src/main.ts', ...Object.fromEntries(threads) },
  outDir: 'dist',
  format: 'esm',
  target: 'node24',
  platform: 'node',
  splitting: true,
  sourcemap: true,
  clean: true,
  // The dashboard's files are served as they are, from beside the chunk that reads them.
  onSuccess: async () => cpSync('src/admin/web/page', 'dist/page', { recursive: true }),
  dts: false,
  // Packages are installed beside the bundle, never copied into it; koffi loads a binary from its own folder.
  skipNodeModulesBundle: true,
  removeNodeProtocol: false,
});
