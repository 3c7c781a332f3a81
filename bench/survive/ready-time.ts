// How long a process that starts takes to have what the one before left: calls that run and registrations, from SQLite through the
// thread of the store. Media is not among it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BindingRecord } from '../../src/registration/location.ts';
import { Scenario } from '../../test/support/scenario.ts';
import { openIn } from '../lib/bench-store.ts';
import { CallLoad } from '../micro/call-load.ts';

export interface ReadyTime {
  /** Until the thread has started, read everything and handed it over. */
  readonly loadMillis: number;
  /** Until every call is known again by its dialogs and slots, and phones on UDP are reachable. */
  readonly takeUpMillis: number;
  /** The same as CPU time of all threads. */
  readonly loadCpuMillis: number;
  readonly takeUpCpuMillis: number;
}

export async function readyTime({
  calls,
  registrations,
}: {
  readonly calls: number;
  readonly registrations: number;
}): Promise<ReadyTime> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-ready-'));
  try {
    await fill(folder, calls, registrations);
    const began = { at: performance.now(), cpu: process.cpuUsage() };
    const stores = await openIn(folder);
    const loaded = { at: performance.now(), cpu: process.cpuUsage() };
    const next = new Scenario({ state: stores });
    await next.registrar.takeUp();
    const ready = { at: performance.now(), cpu: process.cpuUsage() };
    const found = next.b2bua.active;
    if (found !== calls) throw new Error(`${found} of ${calls} calls were taken up`);
    await stores.close();
    return {
      loadMillis: loaded.at - began.at,
      takeUpMillis: ready.at - loaded.at,
      loadCpuMillis: cpuMillis(began.cpu, loaded.cpu),
      takeUpCpuMillis: cpuMillis(loaded.cpu, ready.cpu),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function cpuMillis(before: NodeJS.CpuUsage, after: NodeJS.CpuUsage): number {
  return (after.user - before.user + after.system - before.system) / 1_000;
}

async function fill(folder: string, calls: number, registrations: number): Promise<void> {
  const stores = await openIn(folder);
  const load = new CallLoad({ state: stores });
  for (let serial = 0; serial < calls; serial += 1) await load.one(serial, calls);
  load.advance(1_100);
  for (let phone = 0; phone < registrations; phone += 1) {
    const aor = `user${phone}@pbx.test`;
    await stores.locations.save(aor, [bindingOf(aor, phone)]);
  }
  await stores.flush();
  await stores.close();
}

/** Every second phone is on UDP. */
function bindingOf(aor: string, phone: number): BindingRecord {
  const remote = { address: `198.51.${100 + (phone >> 14)}.${(phone >> 6) & 255}`, port: 10_000 + phone };
  const contact = `sip:${aor.split('@')[0]}@${remote.address}:${remote.port}`;
  const isDatagram = phone % 2 === 0;
  return {
    v: 3,
    aor,
    contact,
    key: contact,
    callId: `${phone}@${remote.address}`,
    sequence: 1,
    priority: 1,
    expiresAt: Date.UTC(2100, 0, 1),
    flowId: isDatagram ? `datagrams|${remote.address}|${remote.port}` : `flow-${phone}`,
    listener: isDatagram ? 'datagrams' : 'phones',
    userAgent: 'bench',
    datagram: isDatagram ? { network: 'open', local: { address: '192.0.2.1', port: 5060 }, remote } : undefined,
    path: [],
  };
}
