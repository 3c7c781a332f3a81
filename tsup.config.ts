// Bundles the process (src/main.ts) and every thread that it starts (src/**/*-main.ts) flat into dist, each under its own file
// name: src/media/worker/worker-main.ts becomes dist/worker-main.js. A thread is started by a URL that holds in both places:
//   new URL(import.meta.url.endsWith('.ts') ? '../worker/worker-main.ts' : './worker-main.js', import.meta.url)
// Shared chunks stay beside the entries, so that the second form holds wherever the bundler puts the code. No two entries share any: a file for
// whatever is needed here and there would be found, opened and linked by each of them, and threads have nothing in common in memory anyway.
import { cpSync, globSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { build, defineConfig, type Options } from 'tsup';
import { bundledEntries, bundledPackages, writeLicences } from './scripts/package/bundled.ts';
import { plainFields } from './scripts/package/plain-fields.ts';

const shared: Options = {
  outDir: 'dist',
  format: 'esm',
  target: 'node24',
  platform: 'node',
  splitting: true,
  sourcemap: true,
  dts: false,
  // Other packages are installed beside the bundle; koffi loads a binary from its own folder.
  skipNodeModulesBundle: true,
  noExternal: bundledPackages.map((name) => new RegExp(`^${name}(/|$)`)),
  // Packages of the older kind ask for Node's own modules by a function, which a module does not have.
  banner: {
    js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
  },
  // Every start reads all of it: without comments it is read faster, and kept in half of the memory where it is nothing but ASCII. Names
  // stay, and lines are short enough for a stack trace to say where.
  removeNodeProtocol: false,
  esbuildPlugins: [plainFields],
  esbuildOptions: (options) => {
    options.minifyWhitespace = true;
    options.lineLimit = 160;
    options.charset = 'ascii';
    options.legalComments = 'none';
    options.alias = Object.fromEntries(bundledEntries.map(([name, file]) => [name, resolve(file)]));
  },
};

export default defineConfig({
  ...shared,
  entry: { main: 'src/main.ts' },
  clean: true,
  onSuccess: async () => {
    for (const file of globSync('src/**/*-main.ts')) {
      await build({ ...shared, config: false, silent: true, entry: { [basename(file, '.ts')]: file } });
    }
    // The dashboard's files are served as they are, from beside the chunk that reads them.
    cpSync('src/admin/web/page', 'dist/page', { recursive: true });
    writeLicences('dist/licences.txt');
  },
});
