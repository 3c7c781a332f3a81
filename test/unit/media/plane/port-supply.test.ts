import { describe, expect, test } from 'vitest';
import type { MediaError, PortPlace } from '../../../../src/media/plane/messages.ts';
import { PortSupply, supplyLimits } from '../../../../src/media/plane/port-supply.ts';
import type { PortRequest } from '../../../../src/media/plane/worker-protocol.ts';
import { FakeScheduler } from '../../../support/fake-time.ts';

const mux = { address: '192.0.2.1', rtcpMux: true };
const pair = { address: '192.0.2.1', rtcpMux: false };
const patience = 2_000;
const noPorts: MediaError = { code: 'no-ports', detail: 'all are taken' };

class Scene {
  readonly scheduler = new FakeScheduler();
  readonly asked: PortRequest[] = [];
  readonly returned: PortPlace[] = [];
  readonly supply = new PortSupply(this.scheduler, patience, {
    ask: (request) => this.asked.push(request),
    giveBack: (places) => this.returned.push(...places),
  });
  #next = 20_000;

  /** Answers the oldest request: with all that it asks for, or with `most` and why. */
  grant(most = Number.POSITIVE_INFINITY, error?: MediaError): void {
    const request = this.asked.shift();
    if (request === undefined) throw new Error('nothing is asked for');
    const places = Array.from({ length: Math.min(most, request.count) }, () => {
      this.#next += 2;
      const rtcpPort = request.rtcpMux ? undefined : this.#next - 1;
      return { address: request.address, rtpPort: this.#next - 2, rtcpPort };
    });
    this.supply.granted(request, places, error);
  }

  /** With places of both kinds in store. */
  static async stocked(): Promise<Scene> {
    const scene = new Scene();
    const waiting = scene.supply.wait([mux, pair]);
    scene.grant();
    scene.grant();
    await waiting;
    return scene;
  }
}

/** Takes `count` places one by one; how many there were. */
const takeSome = (scene: Scene, count: number): number =>
  Array.from({ length: count }, () => scene.supply.take([mux])).filter((places) => places !== undefined).length;

describe('ports that a worker has granted', () => {
  test('the first who wants some waits for a grant, and those after it do not', async () => {
    const scene = new Scene();
    expect(scene.supply.take([mux])).toBeUndefined();
    const waiting = scene.supply.wait([mux]);
    expect(scene.asked).toMatchObject([{ ...mux, needed: 1 }]);
    scene.grant();
    expect(await waiting).toMatchObject({ ok: true, value: [{ address: '192.0.2.1', rtcpPort: undefined }] });
    expect(scene.supply.take([mux])).toHaveLength(1);
  });

  test('are given out once each, with RTCP where it was asked for, all of them or none', async () => {
    const scene = await Scene.stocked();
    const before = scene.supply.ready;
    const tooMany = Array.from({ length: supplyLimits.most }, () => mux);
    expect(scene.supply.take([pair, ...tooMany])).toBeUndefined();
    expect(scene.supply.ready).toBe(before);
    const taken = [scene.supply.take([pair, mux]), scene.supply.take([mux, pair])].flatMap((places) => places ?? []);
    expect(new Set(taken.map(({ rtpPort }) => rtpPort)).size).toBe(4);
    expect(taken.map(({ rtcpPort }) => rtcpPort !== undefined)).toEqual([true, false, false, true]);
  });

  test('more are asked for before they run out, and nobody is hurried for that', async () => {
    const scene = await Scene.stocked();
    takeSome(scene, supplyLimits.first);
    expect(scene.asked).toMatchObject([{ ...mux, needed: 0 }]);
    scene.grant();
    expect(scene.asked).toEqual([]);
  });

  test('more are kept each time they did not suffice, up to a limit', async () => {
    const scene = await Scene.stocked();
    for (let round = 0; round < 10; round += 1) {
      while (scene.supply.take([mux]) !== undefined);
      const waiting = scene.supply.wait([mux]);
      while (scene.asked.length > 0) scene.grant();
      expect(await waiting).toMatchObject({ ok: true });
    }
    expect(takeSome(scene, 1_000)).toBeGreaterThan(supplyLimits.first);
    expect(takeSome(scene, 1_000)).toBeLessThanOrEqual(supplyLimits.most);
  });

  test('who came first is served first: nobody takes what somebody waits for', async () => {
    const scene = new Scene();
    const order: string[] = [];
    void scene.supply.wait([mux, pair]).then(() => order.push('first'));
    const second = scene.supply.wait([mux]).then(() => order.push('second'));
    scene.grant();
    expect(scene.supply.take([mux])).toBeUndefined();
    scene.grant();
    await second;
    expect(order).toEqual(['first', 'second']);
  });

  test('where there are no more, other kinds give back what they hold, once; then it is said why', async () => {
    const scene = await Scene.stocked();
    const held = scene.supply.ready;
    while (scene.supply.take([mux]) !== undefined);
    while (scene.asked.length > 0) scene.grant(0, noPorts);
    const waiting = scene.supply.wait([mux]);
    scene.grant(0, noPorts);
    expect(scene.returned.length).toBeGreaterThan(0);
    expect(scene.returned.length).toBeLessThan(held);
    expect(scene.returned.every(({ rtcpPort }) => rtcpPort !== undefined)).toBe(true);
    scene.grant(0, noPorts);
    expect(await waiting).toEqual({ ok: false, error: noPorts });
    expect(scene.asked).toEqual([]);
    // It may be otherwise the next time.
    const again = scene.supply.wait([mux]);
    scene.grant(1, noPorts);
    expect(await again).toMatchObject({ ok: true });
  });

  test('what is granted and not wanted for a while goes back, and so does all on request', async () => {
    const scene = await Scene.stocked();
    const held = scene.supply.ready;
    scene.scheduler.advance(supplyLimits.idle - 1);
    scene.supply.take([mux]);
    scene.scheduler.advance(supplyLimits.idle - 1);
    expect(scene.returned).toEqual([]);
    scene.scheduler.advance(supplyLimits.idle);
    expect(scene.returned).toHaveLength(held - 1);
    expect(scene.supply.ready).toBe(0);
    expect(scene.scheduler.pending).toBe(0);
    const other = await Scene.stocked();
    other.supply.giveBack();
    expect(other.returned).toHaveLength(held);
  });

  test('who waits is told when the worker does not answer in time, or is gone', async () => {
    const scene = new Scene();
    const late = scene.supply.wait([mux]);
    scene.scheduler.advance(patience);
    scene.supply.expire();
    expect(await late).toMatchObject({ ok: false, error: { code: 'deadline' } });
    // What comes too late for the one serves the next.
    scene.grant();
    expect(scene.supply.take([mux])).toHaveLength(1);
    const lost = scene.supply.wait([pair]);
    const gone: MediaError = { code: 'worker-lost', detail: 'it threw' };
    scene.supply.end(gone);
    expect(await lost).toEqual({ ok: false, error: gone });
    expect(scene.supply.take([mux])).toBeUndefined();
    expect(await scene.supply.wait([mux])).toEqual({ ok: false, error: gone });
    expect(scene.scheduler.pending).toBe(0);
  });
});
