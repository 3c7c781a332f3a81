// The entry of a media worker: opens the packet driver, chooses a cipher, and gives the thread to the driver's loop.
// Commands come over a port of their own; while the loop blocks no event loop runs, so they are taken by hand after a wake.
import { readlinkSync } from 'node:fs';
import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { assertNever } from '../../core/assert-never.ts';
import { systemClock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import { systemRandom } from '../../core/random.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { collectAll } from '../../core/settling.ts';
import type { DtlsFactory } from '../dtls/dtls-connection.ts';
import { handshakeLimit } from '../dtls/dtls-peer.ts';
import type { DtlsIdentity } from '../dtls/identity.ts';
import { DescriptorLedger } from '../packet-io/descriptor-ledger.ts';
import { type LeftSockets, takeOverSockets } from '../packet-io/left-sockets.ts';
import { MemoryRecord } from '../packet-io/memory-record.ts';
import { type OpenedPacketIo, openPacketIo } from '../packet-io/open-packet-io.ts';
import { type CompactList, isCompactList } from '../plane/compact-list.ts';
import { unpackRequest } from '../plane/compact-messages.ts';
import { KeySlots } from '../plane/key-slots.ts';
import {
  type Succession,
  sharedWords,
  type WorkerBoot,
  type WorkerMessage,
  type WorkerReady,
  type WorkerRequest,
  type WorkerSettings,
} from '../plane/worker-protocol.ts';
import type { SrtpCipherFactory } from '../srtp/cipher.ts';
import type { IndexLedger } from '../srtp/index-ledger.ts';
import { KeyVault } from '../srtp/key-vault.ts';
import { nodeCipherFactory } from '../srtp/node-cipher.ts';
import { openLedgerFile, recallLedgerFile } from './ledger-file.ts';
import { Outbox } from './outbox.ts';
import { rehearsalLimits, rehearse } from './rehearsal.ts';
import { Relay } from './relay.ts';

async function main({ port, settings, shared, keys, descriptors }: WorkerBoot): Promise<void> {
  const outbox = new Outbox(port);
  const post = (message: WorkerMessage): void => outbox.post(message);
  try {
    const opened = await openPacketIo(settings.driver, {
      clock: systemClock,
      maxSockets: settings.maxSockets,
      callerBytes: scratchBytes + settings.maxSockets * keyBytesPerSocket,
      addressSlots: settings.maxSockets * addressesPerSocket + handshakeLimit + addressesOfSuccession,
      ledger: new DescriptorLedger(descriptors),
      memory: new MemoryRecord(settings.memory),
    });
    const ciphers = await chooseCiphers(opened);
    const dtls = await chooseDtls(opened, settings.dtls);
    const indices = await openLedger(opened, settings);
    const words = new Int32Array(shared);
    const { io } = opened;
    const relay = new Relay(
      {
        io,
        ciphers,
        ledger: indices.ok ? indices.value : undefined,
        vault: settings.state === undefined ? undefined : new KeyVault(settings.state.sealingKey, systemRandom),
        dtls: dtls.ok ? dtls.value : undefined,
        clock: systemClock,
        random: systemRandom,
        post,
        postSoon: (message) => outbox.postSoon(message),
        flush: () => outbox.flush(),
        takeCommands: () => outbox.together(() => takeCommands(port, handle)),
        beat: () => Atomics.add(words, sharedWords.beats, 1),
        took: (command) => Atomics.store(words, sharedWords.taken, command),
      },
      {
        ports: settings.ports,
        quarantine: settings.quarantine,
        timeout: settings.timeout,
        headerPackets: settings.headerPackets,
        awaitsSockets: settings.follows === 'process',
        keepBelow: settings.maxSockets >> 1,
        socketOptions: { dscp: settings.dscp, receiveBufferBytes: settings.receiveBufferBytes },
      },
    );
    const inherit = await heirOf(opened, settings, indices.ok ? indices.value : undefined);
    const rehearsal = settings.follows === undefined ? undefined : await rehearsed(opened, settings);
    let isLeaving = false;
    const perform = (request: WorkerRequest): void => {
      if ('command' in request) {
        relay.handle(request);
        return;
      }
      switch (request.type) {
        case 'grant-ports':
          relay.grant(request.request);
          return;
        case 'return-ports':
          relay.takeBack(request.places);
          return;
        case 'close-idle':
          relay.closeIdle();
          return;
        case 'settle':
          if (relay.isIdle) collectAll();
          post({ type: 'settled' });
          return;
        case 'succeed':
          relay.succeed(request.succession.ports, inherit(request.succession));
          return;
        case 'leave':
          isLeaving = true;
          io.leave();
          return;
        case 'stop':
          io.stop();
          return;
        default:
          assertNever(request);
      }
    };
    const keySlots = new KeySlots(keys);
    const handle = (requests: unknown): void => {
      if (!Array.isArray(requests)) throw new Error('the plane sent something that is no list of requests');
      for (const request of requests) {
        if (!isRequest(request)) throw new Error('the plane sent something that is no request');
        perform(unpackRequest(request, keySlots));
      }
    };
    const { wakeHandle } = io;
    // A driver that returns to the event loop gets commands as events; a blocked one is woken.
    if (wakeHandle.kind === 'message') {
      port.on('message', (requests: unknown) => outbox.together(() => handle(requests)));
    }
    const withoutDtls = dtls.ok ? undefined : dtls.error;
    const withoutLedger = indices.ok ? undefined : indices.error;
    const { driver } = io;
    const { probes } = opened;
    const thread = threadNumber();
    const can = { driver, cipher: ciphers.name, withoutDtls, withoutLedger, rehearsal };
    post({ type: 'ready', ...can, wake: wakeHandle, probes, thread });
    await io.run(relay);
    if (isLeaving) {
      relay.leave();
      post({ type: 'left' });
    } else {
      relay.close();
      io.dispose();
    }
    opened.wipe();
    port.close();
  } catch (thrown) {
    post({ type: 'failed', detail: messageOf(thrown) });
    throw thrown;
  }
}

/** Counter blocks, key stream and names of the OpenSSL ciphers, flights and certificates of DTLS; they are allocated once. */
const scratchBytes = 128 * 1024;
/** Of two directions, RTP and RTCP each: an expanded AES key and hash states; and once more while a key takes another's place. */
const keyBytesPerSocket = 2 * 4 * (256 + 64);
/** Sent and received, RTP and RTCP, of a socket with one stream; more where it has had several. */
const indicesPerSocket = 6;
/** What a `Latch` holds. */
const addressesPerSocket = 3;
/** What finding left sockets takes, once for each worker that is succeeded. */
const addressesOfSuccession = 1;

function takeCommands(port: MessagePort, handle: (request: unknown) => void): void {
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    handle(next.message);
  }
}

/** OpenSSL by its symbols where native code loads, else node:crypto. */
async function chooseCiphers({ arena, hasNative }: OpenedPacketIo): Promise<SrtpCipherFactory> {
  if (!hasNative) return nodeCipherFactory(arena);
  const { opensslCipherFactory } = await import('../native/openssl-cipher.ts');
  const factory = opensslCipherFactory(arena);
  return factory.ok ? factory.value : nodeCipherFactory(arena);
}

/** OpenSSL's, or why there is none. */
async function chooseDtls(
  { arena, hasNative }: OpenedPacketIo,
  identity: DtlsIdentity | undefined,
): Promise<Result<DtlsFactory, string>> {
  if (identity === undefined) return err('it was not asked for');
  if (!hasNative) return err('native code does not load');
  const { opensslDtlsFactory } = await import('../native/openssl-dtls.ts');
  return opensslDtlsFactory(arena, identity);
}

/** What keeps packet indices beyond this process, or why nothing does. */
async function openLedger(
  { hasNative }: OpenedPacketIo,
  { state, ledger, maxSockets }: WorkerSettings,
): Promise<Result<IndexLedger, string>> {
  if (state === undefined) return err('there is no state folder');
  if (!hasNative) return err('native code does not load');
  try {
    const { loadLibc } = await import('../native/libc.ts');
    const { mapSharedFile } = await import('../native/shared-file.ts');
    const libc = loadLibc();
    const map = (descriptor: number, length: number): ArrayBuffer => mapSharedFile(libc, descriptor, length);
    return ok(openLedgerFile(state.folder, ledger, maxSockets * indicesPerSocket, map));
  } catch (thrown) {
    return err(messageOf(thrown));
  }
}

/** How it takes over what another worker left: its indices, and its sockets where native code loads. */
async function heirOf(
  { arena, io, hasNative }: OpenedPacketIo,
  { state }: WorkerSettings,
  indices: IndexLedger | undefined,
): Promise<(succession: Succession) => LeftSockets> {
  const libc = hasNative ? (await import('../native/libc.ts')).loadLibc() : undefined;
  return ({ ledgers, descriptors }) => {
    if (indices !== undefined && state !== undefined) {
      for (const ledger of ledgers) recallLedgerFile(state.folder, ledger, indices.past);
    }
    // Sockets of Node's own are closed with their thread: there the ports are bound again.
    return libc === undefined || descriptors === undefined ? noSockets : takeOverSockets(libc, arena, io, descriptors);
  };
}

/** What a rehearsal came to, or why there was none: the worker serves without, and its first packets come a little later. */
async function rehearsed({ io }: OpenedPacketIo, settings: WorkerSettings): Promise<WorkerReady['rehearsal']> {
  const start = systemClock.now();
  const { sockets } = rehearsalLimits;
  const size = {
    maxSockets: sockets,
    callerBytes: scratchBytes + sockets * keyBytesPerSocket,
    addressSlots: 8 * sockets,
  };
  const slots = { packetSlots: 64, ownSlots: 64 };
  try {
    const packets = await rehearse({
      open: (ledger) => openPacketIo(io.driver, { clock: systemClock, ...size, ...slots, ledger }),
      ciphersOf: chooseCiphers,
      takeOver: async (opened, descriptors) => {
        const inherit = await heirOf(opened, settings, undefined);
        return inherit({ ports: settings.ports, ledgers: [], descriptors });
      },
      clock: systemClock,
      random: systemRandom,
    });
    return { took: Math.round(systemClock.now() - start), packets };
  } catch (thrown) {
    return messageOf(thrown);
  }
}

const noSockets: LeftSockets = { take: () => undefined };

/** The kernel's number of this thread, from the name of `/proc/thread-self`: `PID/task/NUMBER`. */
function threadNumber(): number | undefined {
  try {
    const [, number] = /\/task\/(\d+)$/.exec(readlinkSync('/proc/thread-self')) ?? [];
    return number === undefined ? undefined : Number(number);
  } catch {
    // No /proc here: nobody can tell a worker without a processor from one that stands still.
    return undefined;
  }
}

/** Only the plane has the other end of the port: its types are the contract, this tells a mix-up. */
function isRequest(message: unknown): message is WorkerRequest | CompactList {
  if (isCompactList(message)) return true;
  return typeof message === 'object' && message !== null && ('command' in message || 'type' in message);
}

function isBoot(data: unknown): data is WorkerBoot {
  return typeof data === 'object' && data !== null && 'port' in data && 'settings' in data && 'shared' in data;
}

function readBoot(data: unknown): WorkerBoot {
  if (!isBoot(data)) throw new Error('worker-main is started by the media plane');
  return data;
}

await main(readBoot(workerData));
