// DTLS on OpenSSL by its symbols: handshakes, certificates that were not announced, keys, loss, memory, and foreign bytes.
import assert from 'node:assert/strict';
import { type Fingerprint, fingerprintHashes, fingerprintOf } from '../../src/media/dtls/fingerprint.ts';
import { srtpKeysOf } from '../../src/media/dtls/srtp-keys.ts';
import { SeededRandom } from '../support/fake-time.ts';
import { check, checkEqual, type NativeCase } from './case.ts';
import { DtlsEnd, type DtlsGround, dtlsGround, exchange } from './support/dtls-pair.ts';

export const cases: readonly NativeCase[] = [
  ...(['plain', 'guarded'] as const).map((memory) => ({
    name: `both ends have the same keys, crosswise, and each other's certificate (${memory} memory)`,
    run: () => {
      const ground = dtlsGround(memory);
      const [client, server] = connect(ground);
      checkEqual([client.progress, server.progress], ['complete', 'complete'], 'progress');
      const [ours, theirs] = [client.connection.exportKeys(), server.connection.exportKeys()];
      check(ours !== undefined && theirs !== undefined, 'no keys');
      checkEqual(ours.suite, 'AEAD_AES_256_GCM', 'the strongest profile of both');
      const [clientKeys, serverKeys] = [srtpKeysOf(ours, 'client'), srtpKeysOf(theirs, 'server')];
      assert.deepEqual(clientKeys.send, serverKeys.receive);
      assert.deepEqual(clientKeys.receive, serverKeys.send);
      assert.notDeepEqual(clientKeys.send.masterKey, clientKeys.receive.masterKey);
      assert.ok(
        ours.material.every((byte) => byte === 0),
        'the exported bytes were not wiped',
      );
      assert.deepEqual(server.connection.peerCertificate(), Uint8Array.from(ground.identity.certificate));
      close(client, server);
    },
  })),
  ...fingerprintHashes.map((hash) => ({
    name: `a certificate is known by its ${hash}, also beside others`,
    run: () => {
      const ground = dtlsGround();
      const right = fingerprintOf(ground.identity.certificate, hash);
      const [client, server] = connect(ground, [otherThan(right), right]);
      checkEqual([client.progress, server.progress], ['complete', 'complete'], 'progress');
      close(client, server);
    },
  })),
  {
    name: 'a certificate that was not announced ends the handshake at either end, and there are no keys (RFC 5763 §5)',
    run: () => {
      const ground = dtlsGround();
      const right = fingerprintOf(ground.identity.certificate, 'sha-256');
      for (const [clientExpects, serverExpects, refusing] of [
        [right, otherThan(right), 1],
        [otherThan(right), right, 0],
      ] as const) {
        const ends = connect(ground, [serverExpects], [clientExpects]);
        checkEqual(ends[refusing].progress, 'failed', 'who was shown the wrong certificate');
        check(ends[refusing].connection.failure?.includes('certificate verify failed') === true, 'reason');
        for (const { connection, progress } of ends) {
          checkEqual([progress, connection.exportKeys()], ['failed', undefined], 'the other end too, without keys');
        }
        close(...ends);
      }
    },
  },
  {
    name: 'a weaker hash beside a stronger one opens no second door (RFC 8122 §5)',
    run: () => {
      const ground = dtlsGround();
      const { certificate } = ground.identity;
      const announced = [fingerprintOf(certificate, 'sha-256'), otherThan(fingerprintOf(certificate, 'sha-512'))];
      const [client, server] = connect(ground, announced);
      checkEqual(server.progress, 'failed', 'progress');
      close(client, server);
    },
  },
  {
    name: 'a connection that expects no certificate is not made',
    run: () => {
      assert.throws(() => dtlsGround().factory.open('server', []), /needs a fingerprint/);
    },
  },
  {
    name: 'no datagram is longer than the MTU, and each holds whole records',
    run: () => {
      const ground = dtlsGround();
      const sizes: number[] = [];
      connect(ground, undefined, undefined, (datagrams) => {
        for (const datagram of datagrams) {
          sizes.push(datagram.length);
          let at = 0;
          while (at < datagram.length) at += 13 + Buffer.from(datagram).readUInt16BE(at + 11);
          checkEqual(at, datagram.length, 'records end where the datagram ends');
        }
      });
      check(Math.max(...sizes) <= 1200 && sizes.length >= 4, `sizes: ${sizes.join(' ')}`);
    },
  },
  {
    name: 'each lost datagram is sent again, and the handshake ends well (RFC 6347 §4.2.4)',
    limitMs: 60_000,
    run: async () => {
      const ground = dtlsGround();
      const lossy = Array.from({ length: 6 }, (_, lost) => {
        const [client, server] = begin(ground);
        exchange(client, server, (index) => index === lost);
        return [client, server] as const;
      });
      check(
        lossy.some(([client, server]) => client.progress !== 'complete' || server.progress !== 'complete'),
        'nothing was lost',
      );
      for (let round = 0; round < 4; round += 1) {
        await new Promise((resolve) => setTimeout(resolve, 1_100 * 2 ** Math.min(round, 1)));
        for (const [client, server] of lossy) {
          for (const end of [client, server]) {
            if (end.progress === 'handshaking') end.progress = end.connection.onDeadline(end.send);
          }
          exchange(client, server);
        }
      }
      for (const [client, server] of lossy) {
        checkEqual([client.progress, server.progress], ['complete', 'complete'], 'progress');
        close(client, server);
      }
    },
  },
  {
    name: 'a lost last flight of the server comes again when the client asks again, after the server is done',
    limitMs: 20_000,
    run: async () => {
      const ground = dtlsGround();
      const [client, server] = begin(ground);
      for (let round = 0; round < 10; round += 1) {
        for (const datagram of client.take()) server.receive(datagram);
        if (server.progress !== 'handshaking') break;
        for (const datagram of server.take()) client.receive(datagram);
      }
      check(server.take().length > 0, 'there was no last flight');
      await new Promise((resolve) => setTimeout(resolve, 1_200));
      client.progress = client.connection.onDeadline(client.send);
      exchange(client, server);
      checkEqual([client.progress, server.progress], ['complete', 'complete'], 'progress');
      close(client, server);
    },
  },
  {
    name: 'a goodbye is heard',
    run: () => {
      const ground = dtlsGround();
      const [client, server] = connect(ground);
      client.connection.close(client.send);
      exchange(client, server);
      checkEqual(server.progress, 'closed', 'progress');
      server.connection.close();
    },
  },
  {
    name: 'what is closed refuses to work instead of reaching freed memory, and is freed once',
    run: () => {
      const ground = dtlsGround();
      const [client, server] = connect(ground);
      close(client, server, client, server);
      assert.throws(() => client.receive(new Uint8Array(20)), /used after close/);
      assert.throws(() => client.connection.exportKeys(), /used after close/);
      assert.throws(() => client.connection.onDeadline(client.send), /used after close/);
    },
  },
  {
    name: 'broken, cut and mixed-up datagrams neither end the process nor give keys (guarded memory)',
    limitMs: 60_000,
    run: () => {
      const ground = dtlsGround('guarded');
      const random = new SeededRandom(11);
      for (let round = 0; round < 300; round += 1) {
        const [client, server] = begin(ground);
        for (let step = 0; step < 12; step += 1) {
          for (const [from, to] of [
            [client, server],
            [server, client],
          ] as const) {
            for (const datagram of from.take()) to.receive(random.below(3) === 0 ? broken(datagram, random) : datagram);
          }
        }
        if (client.progress !== 'complete') checkEqual(client.connection.exportKeys(), undefined, 'keys');
        close(client, server);
      }
    },
  },
  {
    name: 'memory is flat over five thousand handshakes, good and bad ones',
    limitMs: 120_000,
    run: () => {
      const ground = dtlsGround();
      const right = fingerprintOf(ground.identity.certificate, 'sha-256');
      const rounds = (count: number): void => {
        for (let round = 0; round < count; round += 1) {
          const ends = connect(ground, [round % 4 === 0 ? otherThan(right) : right]);
          for (const end of ends) if (end.progress === 'complete') end.connection.exportKeys();
          close(...ends);
        }
      };
      rounds(1000);
      const before = process.memoryUsage.rss();
      rounds(5000);
      const grownBytes = process.memoryUsage.rss() - before;
      // 10,000 connections of 66 kB would be 660 MB.
      check(grownBytes < 10_000_000, `resident memory grew by ${grownBytes} B`);
    },
  },
];

/** A client that has its cookie, and a server that waits for it. */
function begin(
  ground: DtlsGround,
  serverExpects = expected(ground),
  clientExpects = expected(ground),
): readonly [DtlsEnd, DtlsEnd] {
  const client = new DtlsEnd(ground, ground.factory.open('client', clientExpects));
  const server = new DtlsEnd(ground, ground.factory.open('server', serverExpects));
  client.start();
  client.verifyHello();
  return [client, server];
}

function connect(
  ground: DtlsGround,
  serverExpects?: readonly Fingerprint[],
  clientExpects?: readonly Fingerprint[],
  onFlight: (datagrams: readonly Uint8Array[]) => void = () => undefined,
): readonly [DtlsEnd, DtlsEnd] {
  const [client, server] = begin(ground, serverExpects, clientExpects);
  for (let round = 0; round < 6; round += 1) {
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      const flight = from.take();
      onFlight(flight);
      for (const datagram of flight) to.receive(datagram);
    }
  }
  return [client, server];
}

function close(...ends: readonly DtlsEnd[]): void {
  for (const { connection } of ends) connection.close();
}

function expected({ identity }: DtlsGround): readonly Fingerprint[] {
  return [fingerprintOf(identity.certificate, 'sha-256')];
}

function otherThan({ hash, value }: Fingerprint): Fingerprint {
  return { hash, value: `${value.startsWith('00') ? '11' : '00'}${value.slice(2)}` };
}

function broken(datagram: Uint8Array, random: SeededRandom): Uint8Array {
  const bytes = Uint8Array.from(datagram);
  if (random.below(2) === 0) return bytes.slice(0, random.below(bytes.length) + 1);
  for (let count = random.below(4) + 1; count > 0; count -= 1) bytes[random.below(bytes.length)] = random.below(256);
  return bytes;
}
