// The process that is killed: a media plane with one call between a phone (SRTP) and a PBX (RTP).
//   killed-relay.ts DRIVER STATE_FOLDER PHONE_PORT PBX_PORT SNAPSHOT_FILE
// Without a snapshot in the file it opens the call and writes one; with it, it goes on. Then it says so on a line of its own.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { systemClock } from '../../../src/core/clock.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { SystemScheduler } from '../../../src/core/scheduler.ts';
import { driverNames } from '../../../src/media/packet-io/packet-io.ts';
import type { MediaPlane, MediaSession } from '../../../src/media/plane/media-plane.ts';
import { readMediaSnapshot } from '../../../src/media/plane/media-snapshot.ts';
import { openMediaPlane } from '../../../src/media/plane/open-media-plane.ts';
import { Peer } from '../../support/relay-bench.ts';
import { loopback, settled } from './plane.ts';

const [driver = '', folder = '', phonePort = '', pbxPort = '', file = ''] = process.argv.slice(2);

const scheduler = new SystemScheduler(systemClock, (thrown) => {
  throw thrown;
});
const opened = await openMediaPlane({
  ports: { first: 38_000, last: 38_199 },
  workers: 1,
  driver: driverNames.find((name) => name === driver) ?? 'auto',
  timeout: 0,
  maxSockets: 64,
  state: { folder, sealingKey: new Uint8Array(32).fill(5) },
  scheduler,
  logger: silentLogger,
});
if (!opened.ok) throw new Error(opened.error.detail);
const session = existsSync(file) ? await goOn(opened.value) : await begin(opened.value);
const snapshot = await session.snapshot();
if (!snapshot.ok) throw new Error(snapshot.error.detail);
// The first one stays: those that follow show that an old one is good enough.
if (!existsSync(file)) {
  writeFileSync(`${file}.new`, JSON.stringify(snapshot.value));
  renameSync(`${file}.new`, file);
}
console.log(`ports ${snapshot.value.endpoints.map(({ rtpPort }) => rtpPort).join(' ')}`);

async function begin(plane: MediaPlane): Promise<MediaSession> {
  const begun = plane.openSession('killed', () => {});
  if (!begun.ok) throw new Error(begun.error.detail);
  const spec = { address: loopback, rtcpMux: true };
  const endpoints = await begun.value.openEndpoints([spec, spec]);
  if (!endpoints.ok) throw new Error(endpoints.error.detail);
  const [a, b] = endpoints.value;
  if (a === undefined || b === undefined) throw new Error('two endpoints were asked for');
  const phone = new Peer(loopback, Number(phonePort), 'AES_CM_128_HMAC_SHA1_80');
  begun.value.setRemote(a.endpoint, phone.remote());
  await settled(begun.value);
  begun.value.setRemote(b.endpoint, new Peer(loopback, Number(pbxPort)).remote());
  await settled(begun.value);
  begun.value.join(a.endpoint, b.endpoint);
  await settled(begun.value);
  return begun.value;
}

async function goOn(plane: MediaPlane): Promise<MediaSession> {
  const snapshot = readMediaSnapshot(JSON.parse(readFileSync(file, 'utf8')));
  if (snapshot === undefined) throw new Error(`${file} holds no snapshot`);
  const resumed = await plane.resumeSession('killed', snapshot, () => {});
  if (!resumed.ok) throw new Error(`${resumed.error.code}: ${resumed.error.detail}`);
  return resumed.value;
}
