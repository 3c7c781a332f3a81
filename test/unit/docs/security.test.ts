import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { scenarioConfig } from '../../support/scenario-config.ts';

test('the examples of docs/security.md are read by the real loader', () => {
  const text = readFileSync('docs/security.md', 'utf8');
  const blocks = [...text.matchAll(/```toml\n(.*?)```/gs)].map(([, block = '']) => block);
  expect(blocks.length).toBeGreaterThan(0);
  for (const tables of blocks) expect(scenarioConfig({ tables }).fraud.mode).toBe('shadow');
});
