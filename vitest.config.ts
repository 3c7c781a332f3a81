import { defineConfig } from 'vitest/config';

// biome-ignore lint/style/noDefaultExport: vitest reads its configuration from the default export.
export default defineConfig({
  test: {
    include: ['test/{unit,vectors,scenario,torture}/**/*.test.ts', 'test/*.test.ts'],
    sequence: { shuffle: true },
    retry: 0,
    testTimeout: 20_000,
    pool: 'forks',
  },
});
