import { describe, expect, test } from 'vitest';
import { markOf, nodeOfTag } from '../../../../src/compose/signalling/node-mark.ts';
import type { ProcessPlace } from '../../../../src/compose/signalling/process-room.ts';
import type { Config } from '../../../../src/config/schema.ts';
import { scenarioConfig } from '../../../support/scenario-config.ts';

/** A node of a site with these others. */
function node(name: string, ...others: readonly string[]): Config {
  const config = scenarioConfig({});
  const peer = others.map((other) => ({ node: other, uri: 'sip:10.0.0.20', accept_from: ['10.0.0.20'] }));
  return { ...config, cluster: { ...config.cluster, node: name, peer } };
}

function place(process: number, ...names: readonly string[]): ProcessPlace {
  const nodes = new Map(names.map((name, index) => [name, index + 1]));
  return { process, processes: names.length, run: `run-${process}`, folder: '/nowhere', nodes };
}

const of = (config: Config, at?: ProcessPlace): string => `${markOf(config, at) ?? ''}0123abcd`;

describe('the mark of a node in its tags', () => {
  test('tells the others of the site whose it is, and no one else', () => {
    const tag = of(node('a', 'b', 'c'));
    expect(nodeOfTag(tag, node('b', 'a', 'c'), undefined)).toBe('a');
    expect(nodeOfTag(tag, node('b', 'c'), undefined)).toBeUndefined();
    expect(nodeOfTag(tag, node('a', 'b', 'c'), undefined)).toBeUndefined();
  });

  test('is none where there is no other node, and short where they are processes of one machine', () => {
    expect(markOf(node('a'), undefined)).toBeUndefined();
    const first = place(1, 'a-1', 'a-2');
    expect(markOf(node('a-1', 'a-2'), first)).toBe('p1-');
    expect(nodeOfTag(of(node('a-2', 'a-1'), place(2, 'a-1', 'a-2')), node('a-1', 'a-2'), first)).toBe('a-2');
    expect(nodeOfTag('p1-0123', node('a-1', 'a-2'), first)).toBeUndefined();
    expect(nodeOfTag('p2-0123', node('a', 'b'), undefined)).toBeUndefined();
  });

  test('says machine and process where several have several: the same number at another machine is not ours', () => {
    const [first, second] = [place(1, 'a-1', 'a-2'), place(2, 'a-1', 'a-2')];
    const other = of(node('b-2', 'b-1', 'a-1', 'a-2'), place(2, 'b-1', 'b-2'));
    const own = of(node('a-2', 'a-1', 'b-1', 'b-2'), second);
    expect([other, own].map((tag) => tag.slice(0, 4))).toEqual(['p2-n', 'p2-n']);
    const config = node('a-1', 'a-2', 'b-1', 'b-2');
    expect([other, own].map((tag) => nodeOfTag(tag, config, first))).toEqual(['b-2', 'a-2']);
    expect(nodeOfTag(other, node('a-2', 'a-1', 'b-1', 'b-2'), second)).toBe('b-2');
  });

  test.each(['', '0123abcd', 'n12345-x', 'nZZZZZZZZZZ-x', 'x-n0123456789-'])('%j has none', (tag) => {
    expect(nodeOfTag(tag, node('a', 'b'), undefined)).toBeUndefined();
  });
});
