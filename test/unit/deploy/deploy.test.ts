// deploy/ against the program: what a dashboard or an alert asks for is a metric that exists, with labels that it has.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commands } from '../../../src/cli/commands.ts';
import { sbc } from '../../../src/config/schema/place.ts';

const root = join(import.meta.dirname, '../../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
/** By name: the labels that docs/metrics.md gives it, which metrics.test.ts holds to the program. */
const metrics = new Map(
  Array.from(read('docs/metrics.md').matchAll(/^\| `(sbc_[a-z_]+)(?:\{([a-z_, ]+)\})?` \| (\w+)/gm)).map(
    ([, name = '', labels = '', type = '']) => [name, { labels: labels.split(', ').filter(Boolean), type }] as const,
  ),
);

interface Query {
  readonly name: string;
  readonly labels: readonly string[];
}

function queriesIn(text: string): readonly Query[] {
  return Array.from(text.matchAll(/\b(sbc_[a-z_]+)(?:\{([^}]*)\})?/g), ([, name = '', inside = '']) => ({
    name,
    labels: Array.from(inside.matchAll(/(\w+)=/g), ([, label = '']) => label),
  }));
}

function known({ name }: Query): ReturnType<typeof metrics.get> {
  const histogram = metrics.get(name.replace(/_(bucket|sum|count)$/, ''));
  return metrics.get(name) ?? (histogram?.type === 'histogram' ? histogram : undefined);
}

describe.each(['deploy/prometheus/alerts.yml', 'deploy/grafana/portcullis.json'])('%s', (file) => {
  const queries = queriesIn(read(file));

  test('asks for something', () => {
    expect(queries.length).toBeGreaterThan(10);
  });

  test.each([...new Map(queries.map((query) => [JSON.stringify(query), query])).values()])(
    'knows $name $labels',
    (query) => {
      const metric = known(query);
      expect(metric).toBeDefined();
      for (const label of query.labels) expect([...(metric?.labels ?? []), 'instance', 'job']).toContain(label);
    },
  );
});

test('the dashboard sums by labels that the metric has', () => {
  const text = read('deploy/grafana/portcullis.json');
  const grouped = [...text.matchAll(/by \(([a-z, ]+)\) \((?:rate|increase)?\(?(sbc_[a-z_]+)/g)];
  expect(grouped.length).toBeGreaterThan(5);
  for (const [, label = '', name = ''] of grouped) {
    const labels = [...(known({ name, labels: [] })?.labels ?? []), 'instance', 'le'];
    expect(labels).toContain(label);
  }
});

test('each command that an alert or the unit names exists', () => {
  const text = read('deploy/prometheus/alerts.yml') + read('deploy/systemd/portcullis.service');
  const named = [...text.matchAll(/(?:`|env )portcullis ([a-z-]+(?: [a-z]+)?)/g)].map(([, name = '']) => name);
  expect(named.length).toBeGreaterThan(5);
  for (const name of named) {
    expect(commands.some((command) => name === command.name || name.startsWith(`${command.name} `))).toBe(true);
  }
});

test('the unit waits longer for a drain than the default drain takes', () => {
  const unit = read('deploy/systemd/portcullis.service');
  const minutes = Number(/^TimeoutStopSec=(\d+)min$/m.exec(unit)?.[1]);
  expect(minutes * 60_000).toBeGreaterThan(sbc.parse({}).drain_timeout);
});
