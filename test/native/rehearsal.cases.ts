// Workers that follow others play calls to themselves before they are ready: with each driver it comes to an end, and leaves nothing.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { driverNames } from '../../src/media/packet-io/packet-io.ts';
import type { WorkerReady } from '../../src/media/plane/worker-protocol.ts';
import { startWorkerThread } from '../../src/media/plane/worker-thread.ts';
import { check, checkEqual, type NativeCase } from './case.ts';
import { openSockets, withPlane } from './support/plane.ts';

export const cases: readonly NativeCase[] = driverNames.map((driver) => ({
  name: `${driver}: a worker rehearses before it follows another one`,
  limitMs: 60_000,
  run: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rehearsal-'));
    const rehearsals: WorkerReady['rehearsal'][] = [];
    const before = openSockets();
    try {
      await withPlane(
        {
          driver,
          maxSockets: 2_000,
          state: { folder, sealingKey: new Uint8Array(32).fill(5) },
          after: { firstLedger: 0 },
          start: (settings, events) =>
            startWorkerThread(settings, {
              ...events,
              onMessage: (message) => {
                if (message.type === 'ready') rehearsals.push(message.rehearsal);
                events.onMessage(message);
              },
            }),
        },
        async () => {
          // Of the one that takes the place of another process's, and of the one in reserve.
          checkEqual(rehearsals.length, 2, 'workers');
          check(
            rehearsals.every((one) => typeof one === 'object' && one.packets >= 250),
            `rehearsals: ${JSON.stringify(rehearsals)}`,
          );
          checkEqual(openSockets(), before, 'open sockets');
        },
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
}));
