// Bundles the process (src/main.ts) and every thread that it starts (src/**/*-main.ts) flat into dist, each under its own file
// name: src/media/worker/worker-main.ts becomes dist/worker-main.js. A thread is started by a URL that holds in both places:
//   new URL(import.meta.url.endsWith('.ts') ? '../worker/worker-main.ts' : './worker-main.js', import.meta.url)
// Shared chunks stay beside the entries, so that the second form holds wherever the bundler puts the code.
import { cpSync, globSync } from 'node:fs';
import { basename } from 'node:path';
import { defineConfig } from 'tsup';
import { bundledPackages, writeLicences } from './scripts/package/bundled.ts';

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
  onSuccess: async () => {
    // The dashboard's files are served as they are, from beside the chunk that reads them.
    cpSync('src/admin/web/page', 'dist/page', { recursive: true });
    writeLicences('dist/licences.txt');
  },
  dts: false,
  // Other packages are installed beside the bundle; koffi loads a binary from its own folder.
  skipNodeModulesBundle: true,
  noExternal: bundledPackages.map((name) => new RegExp(`^${name}(/|$)`)),
  // Packages of the older kind ask for Node's own modules by a function, which a module does not have.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  // Every start reads all of it: without comments it is read faster, and kept in half of the memory where it is nothing but ASCII. Names
  // stay, and lines are short enough for a stack trace to say where.
  removeNodeProtocol: false,
  esbuildOptions: (options) => {
    options.minifyWhitespace = true;
    options.lineLimit = 160;
    options.charset = 'ascii';
    options.legalComments = 'none';
  },
});
