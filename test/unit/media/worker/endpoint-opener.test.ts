import { describe, expect, test } from 'vitest';
import type { CommandOutcome } from '../../../../src/media/plane/worker-protocol.ts';
import { localAddress, RelayBench } from '../../../support/relay-bench.ts';

const ports = { first: 20_000, last: 20_019 };
const spec = (rtcpMux: boolean) => ({ address: localAddress, rtcpMux });

function openIn(
  bench: RelayBench,
  specs: readonly { address: string; rtcpMux: boolean }[],
): CommandOutcome | undefined {
  bench.send({ type: 'open-session' });
  return bench.send({ type: 'open-endpoints', specs });
}

describe('opening endpoints', () => {
  test('passes over ports that somebody else holds, the odd one included, and leaks nothing', () => {
    const bench = new RelayBench({ ports });
    const taken = [20_000, 20_003, 20_004, 20_007, 20_008, 20_010, 20_013];
    for (const port of taken) bench.io.refusals.set(`${localAddress}:${port}`, 'in-use');
    const outcome = openIn(bench, [spec(false), spec(false)]);
    expect(outcome?.type).toBe('opened');
    expect(bench.io.openSockets).toHaveLength(4);
    for (const name of bench.io.openSockets) expect(taken.map((port) => `${localAddress}:${port}`)).not.toContain(name);
    bench.close();
    expect(bench.io.openSockets).toEqual([]);
    expect(bench.portsInUse).toBe(0);
  });

  test('a pair whose odd port is taken is left whole', () => {
    const bench = new RelayBench({ ports });
    for (let odd = 20_001; odd < 20_019; odd += 2) bench.io.refusals.set(`${localAddress}:${odd}`, 'in-use');
    expect(openIn(bench, [spec(false)])).toMatchObject({ type: 'opened' });
    expect(bench.io.openSockets).toEqual([`${localAddress}:20018`, `${localAddress}:20019`]);
  });

  test('opens all or none', () => {
    const bench = new RelayBench({ ports });
    const tooMany = Array.from({ length: 11 }, () => spec(true));
    expect(openIn(bench, tooMany)).toMatchObject({ type: 'error', error: { code: 'no-ports' } });
    expect(bench.io.openSockets).toEqual([]);
    bench.advance(30_000);
    expect(openIn(bench, tooMany.slice(1))).toMatchObject({ type: 'opened' });
    expect(bench.portsInUse).toBe(10);
  });

  test.each([
    ['descriptors-exhausted', 'descriptors-exhausted'],
    ['not-available', 'address-not-available'],
    ['failed', 'internal'],
  ] as const)('%s ends the attempt at once and costs no port', (refusal, code) => {
    const bench = new RelayBench({ ports });
    for (let port = ports.first; port <= ports.last; port++) bench.io.refusals.set(`${localAddress}:${port}`, refusal);
    expect(openIn(bench, [spec(false)])).toMatchObject({ type: 'error', error: { code } });
    bench.io.refusals.clear();
    expect(
      openIn(
        bench,
        Array.from({ length: 10 }, () => spec(true)),
      ),
    ).toMatchObject({ type: 'opened' });
  });

  test('ports of one address are not ports of another', () => {
    const bench = new RelayBench({ ports: { first: 20_000, last: 20_001 } });
    const other = { address: '192.0.2.2', rtcpMux: true };
    expect(openIn(bench, [spec(true), other])).toMatchObject({ type: 'opened' });
    expect(bench.send({ type: 'open-endpoints', specs: [other] })).toMatchObject({ error: { code: 'no-ports' } });
  });
});
