// Open sockets from one process to another. Without native code nothing is passed, and each side binds its ports again.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Millis } from '../core/clock.ts';
import { SbcError } from '../core/errors.ts';
import { canonicalIPv6 } from '../core/ip-address.ts';
import type { SocketAddress } from '../core/socket-address.ts';

/** A listener of SIP. */
export interface ListenerPlace {
  readonly name: string;
  readonly isDatagram: boolean;
  readonly address: SocketAddress;
}

export interface DescriptorSender {
  /** The sockets of this process that listen there, as descriptors of their own, by name; the caller's. */
  find(places: readonly ListenerPlace[]): ReadonlyMap<string, number>;
  /** Rejects with SbcError `descriptor-passing`. */
  send(path: string, batch: number, descriptors: readonly number[]): Promise<void>;
  close(descriptors: Iterable<number>): void;
}

export interface DescriptorReceiver {
  /** Where it takes them. */
  readonly path: string;
  /** All of a batch, in their order. Rejects with SbcError `descriptor-passing`. */
  receive(batch: number, count: number): Promise<readonly number[]>;
  discard(descriptor: number): void;
  close(): void;
}

/** For the other side to make room, or to send: as long as it may take, and how often it is looked at. */
export const passingPatience: Millis = 2_000;
const passingInterval: Millis = 1;

/** Never rejects. Reads what passing takes while the program on the disk is the one that runs: at an upgrade it is another one. */
export async function preparePassing(): Promise<void> {
  await loadNative();
}

/** Undefined where native code does not load. */
export async function openSender(): Promise<DescriptorSender | undefined> {
  const native = await loadNative();
  if (native === undefined) return undefined;
  const own = new native.OwnSockets();
  return {
    find: (places) => {
      const bound = own.bound();
      const found = places.flatMap(({ name, isDatagram, address: { address, port } }) => {
        const text = canonicalIPv6(address) ?? address;
        const socket = bound.find((one) => one.isDatagram === isDatagram && one.port === port && one.address === text);
        return socket === undefined ? [] : [[name, own.duplicate(socket.descriptor)] as const];
      });
      return new Map(found);
    },
    send: async (path, batch, descriptors) => {
      const socket = new native.DescriptorSocket();
      try {
        let sent = 0;
        await until(() => {
          sent += socket.send(path, batch, descriptors, sent);
          return sent === descriptors.length;
        });
      } finally {
        socket.close();
      }
    },
    close: (descriptors) => {
      for (const descriptor of descriptors) own.close(descriptor);
    },
  };
}

/** Undefined where native code does not load. */
export async function openReceiver(): Promise<DescriptorReceiver | undefined> {
  const native = await loadNative();
  if (native === undefined) return undefined;
  // A folder that nobody else may open, with a name that is short enough for an address.
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
  const path = join(folder, 'sockets');
  const socket = new native.DescriptorSocket();
  const batches = new Map<number, number[]>();
  socket.bind(path);
  return {
    path,
    receive: async (batch, count) => {
      const wanted = batches.get(batch) ?? [];
      batches.set(batch, wanted);
      await until(() => {
        for (let next = socket.receive(); next !== undefined; next = socket.receive()) {
          const known = batches.get(next.batch) ?? [];
          known.push(...next.descriptors);
          batches.set(next.batch, known);
        }
        return wanted.length >= count;
      });
      return wanted;
    },
    discard: (descriptor) => new native.OwnSockets().close(descriptor),
    close: () => {
      socket.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function loadNative() {
  try {
    const { DescriptorSocket } = await import('../media/native/descriptor-passing.ts');
    const { OwnSockets } = await import('../media/native/own-sockets.ts');
    return { DescriptorSocket, OwnSockets } as const;
  } catch {
    // Another system, or koffi does not load: media/packet-io says so in its probes.
    return undefined;
  }
}

async function until(isDone: () => boolean): Promise<void> {
  const end = performance.now() + passingPatience;
  while (!isDone()) {
    if (performance.now() >= end) {
      throw new SbcError('descriptor-passing', `the other process did not keep up within ${passingPatience} ms`);
    }
    await new Promise<void>((resolve) => setTimeout(resolve, passingInterval));
  }
}
