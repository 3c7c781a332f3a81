// DTLS-SRTP through real workers and real sockets, on each packet driver; strangers shout all the while. And handshakes
// with the openssl program as the other end.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DtlsRole } from '../../src/media/dtls/dtls-connection.ts';
import { fingerprintOf } from '../../src/media/dtls/fingerprint.ts';
import { createDtlsIdentity } from '../../src/media/dtls/identity.ts';
import { driverNames } from '../../src/media/packet-io/packet-io.ts';
import type { MediaPlane, MediaSession } from '../../src/media/plane/media-plane.ts';
import { SeededRandom } from '../support/fake-time.ts';
import { Peer } from '../support/relay-bench.ts';
import { rtp } from '../support/rtp-packets.ts';
import { check, checkEqual, type NativeCase, Skipped } from './case.ts';
import { dtlsGround } from './support/dtls-pair.ts';
import { dtlsEnd, dtlsRemote, Flood, handshake, LiveEnd } from './support/dtls-phone.ts';
import { bound, call, exchange, loopback, sent, settled, until, withPlane } from './support/plane.ts';

const exported = 60;
/** For keys, every 20 ms. */
const mostLooks = 250;

export const cases: readonly NativeCase[] = [
  ...driverNames.flatMap((driver): readonly NativeCase[] =>
    (['server', 'client'] as const).map((role) => ({
      name: `${driver}: as ${role}, keys come from the handshake and audio crosses, whatever strangers send`,
      run: () =>
        withPlane({ driver, dtls: createDtlsIdentity(Date.now(), new SeededRandom(3)) }, (plane) =>
          dtlsCall(plane, role),
        ),
    })),
  ),
  {
    name: 'a phone with another certificate than it announced gets nothing and gives nothing',
    run: () =>
      withPlane({ dtls: createDtlsIdentity(Date.now(), new SeededRandom(3)) }, async (plane) => {
        const { session, a, b, phone, phoneSocket, pbxSocket } = await call(plane);
        const announced = fingerprintOf(Uint8Array.of(1), 'sha-256');
        session.setRemote(a.endpoint, dtlsRemote(phone, 'server', announced));
        await settled(session);
        const end = dtlsEnd(plane, 'client');
        await handshake(end, phoneSocket, a.rtpPort, 'failed');
        for (let sequence = 1; sequence <= 20; sequence += 1) pbxSocket.send(rtp({ sequence }), b.rtpPort, loopback);
        for (let sequence = 1; sequence <= 20; sequence += 1) phoneSocket.send(rtp({ sequence }), a.rtpPort, loopback);
        await new Promise((resolve) => setTimeout(resolve, 300));
        const [fromA, fromB] = (await session.close()).endpoints;
        checkEqual([fromA?.received.packets, fromA?.sent.packets, fromB?.sent.packets], [0, 0, 0], 'media');
        for (const socket of [phoneSocket, pbxSocket]) socket.close();
      }),
  },
  ...(['client', 'server'] as const).map((role) => ({
    name: `the openssl program as the other end: as ${role} we agree on certificate, profile and keys`,
    run: () => withOpenssl(role),
  })),
];

/** The phone is whatever we are not. */
async function dtlsCall(plane: MediaPlane, role: DtlsRole): Promise<void> {
  const { session, a, b, phone, phoneSocket, pbxSocket } = await call(plane);
  const phoneRole = role === 'server' ? 'client' : 'server';
  const end = dtlsEnd(plane, phoneRole);
  const flood = await Flood.start(a.rtpPort);
  const connected = handshake(end, phoneSocket, a.rtpPort, 'complete');
  session.setRemote(a.endpoint, dtlsRemote(phone, role, end.announced));
  await settled(session);
  await connected;
  // The last flight is the phone's where it is the server: until we have read it, among the strangers', the PBX's packets
  // cannot be protected and are not sent.
  await keyed(session);
  const keys = end.keys(phoneRole);
  const peer = new Peer(loopback, phoneSocket.address().port, keys.send.suite, () => keys);
  let lost = 0;
  for (let sequence = 1; sequence <= 200; sequence += 1) {
    const packet = rtp({ sequence });
    const [atPbx, atPhone] = await Promise.allSettled([
      exchange(phoneSocket, a.rtpPort, peer.protectRtp(packet), pbxSocket),
      exchange(pbxSocket, b.rtpPort, packet, phoneSocket),
    ]);
    if (atPbx.status === 'rejected' || atPhone.status === 'rejected') {
      lost += 1;
    } else {
      checkEqual([...atPbx.value], [...packet], 'at the PBX');
      checkEqual([...peer.receiveRtp(sent(atPhone.value))], [...packet], 'at the phone');
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const strange = await flood.stop();
  const [fromA] = (await session.close()).endpoints;
  checkEqual([lost, fromA?.suite, fromA?.received.packets], [0, 'AEAD_AES_256_GCM', 200], 'lost, suite, received');
  check(strange.sent > 5_000, `too few strangers' datagrams: ${strange.sent}`);
  check(strange.otherThanCookies === 0, `a stranger got ${strange.otherThanCookies} datagrams that are no cookies`);
  for (const socket of [phoneSocket, pbxSocket]) socket.close();
}

async function keyed(session: MediaSession): Promise<void> {
  for (let looks = 0; (await session.report()).endpoints[0]?.suite === undefined; looks += 1) {
    check(looks < mostLooks, 'the handshake brings no keys');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function withOpenssl(role: DtlsRole): Promise<void> {
  if (spawnSync('openssl', ['version']).status !== 0) throw new Skipped('there is no openssl program here');
  const folder = mkdtempSync(join(tmpdir(), 'dtls-'));
  const socket = await bound();
  let program: ChildProcess | undefined;
  try {
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    spawnSync('openssl', [...request, '-subj', '/CN=peer', '-keyout', key, '-out', certificate]);
    const shown = new X509Certificate(readFileSync(certificate)).raw;
    const ground = dtlsGround();
    const end = new LiveEnd(ground, role, fingerprintOf(shown, 'sha-256'));
    const ours = join(folder, 'ours.pem');
    writeFileSync(ours, new X509Certificate(ground.identity.certificate).toString());
    const port = 30_000 + (process.pid % 20_000);
    const own = ['-dtls1_2', '-cert', certificate, '-key', key, '-CAfile', ours, '-verify_return_error'];
    const media = [
      '-use_srtp',
      'SRTP_AES128_CM_SHA1_80',
      '-keymatexport',
      'EXTRACTOR-dtls_srtp',
      '-keymatexportlen',
      String(exported),
    ];
    const place =
      role === 'client'
        ? ['s_server', '-accept', `${loopback}:${port}`, '-Verify', '1']
        : // It would speak from 127.0.0.1, which is not this process's address.
          ['s_client', '-bind', `${loopback}:${port}`, '-connect', `${loopback}:${socket.address().port}`];
    program = spawn('openssl', [...place, ...own, ...media], { stdio: ['pipe', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [program.stdout, program.stderr])
      stream?.on('data', (text: Buffer) => (output += text.toString()));
    const peerPort = role === 'client' ? port : await firstSource(socket, end);
    if (role === 'client') await until(() => output.includes('ACCEPT'), 'the server does not listen');
    await handshake(end, socket, peerPort, 'complete');
    const agreed = end.connection.exportKeys();
    check(agreed?.suite === 'AES_CM_128_HMAC_SHA1_80', `suite: ${agreed?.suite}`);
    const hex = Buffer.from(agreed.material).toString('hex').toUpperCase();
    await until(() => output.includes(hex), 'the program has other keys');
    check(/SRTP Extension negotiated, profile=SRTP_AES128_CM_SHA1_80/.test(output), 'profile of the program');
    end.connection.close();
  } finally {
    program?.kill();
    if (program !== undefined && program.exitCode === null) await once(program, 'exit');
    socket.close();
    rmSync(folder, { recursive: true });
  }
}

/** The port that a client speaks from; its ClientHello is answered with a cookie, as an association does. */
async function firstSource(socket: Socket, end: LiveEnd): Promise<number> {
  for (;;) {
    const heard: readonly unknown[] = await once(socket, 'message', { signal: AbortSignal.timeout(5_000) });
    const [datagram, from] = heard;
    if (!(datagram instanceof Uint8Array) || typeof from !== 'object' || from === null || !('port' in from)) continue;
    const port = Number(from.port);
    const answer = end.cookieFor(datagram);
    if (answer !== undefined) {
      socket.send(answer, port, loopback);
      continue;
    }
    end.receive(datagram);
    return port;
  }
}
