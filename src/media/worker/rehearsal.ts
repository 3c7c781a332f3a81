// Calls that a worker plays to itself on the loopback before it is ready: opened, relayed, left, and gone on with. Whoever takes another
// worker's place has then what its calls would wait for in silence: code that V8 has compiled, and ciphers that OpenSSL has loaded.
import type { Clock, Millis } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import { DescriptorLedger } from '../packet-io/descriptor-ledger.ts';
import type { LeftSockets } from '../packet-io/left-sockets.ts';
import type { OpenedPacketIo } from '../packet-io/open-packet-io.ts';
import type { SrtpCipherFactory } from '../srtp/cipher.ts';
import { bootIdBytes, formatLedger, IndexLedger, LedgerPast, ledgerBytes } from '../srtp/index-ledger.ts';
import { KeyVault, vaultKeyBytes } from '../srtp/key-vault.ts';
import { profileOf, type SrtpKeying, type SrtpSuite } from '../srtp/profile.ts';
import { type RehearsedCall, Stage } from './rehearsal-stage.ts';

export interface RehearsalParts {
  /** A driver like the worker's, for `rehearsalLimits.sockets`. */
  readonly open: (ledger: DescriptorLedger) => Promise<OpenedPacketIo>;
  readonly ciphersOf: (opened: OpenedPacketIo) => Promise<SrtpCipherFactory>;
  /** What another driver left, by its `DescriptorLedger`. */
  readonly takeOver: (opened: OpenedPacketIo, descriptors: SharedArrayBuffer) => Promise<LeftSockets>;
  readonly clock: Clock;
  readonly random: Random;
}

export const rehearsalLimits = {
  /** How often they are gone on with: a session that is resumed costs 2 ms the first time, and less than half of it after some dozens. */
  acts: 3,
  /** Where the machine is short of time no further act begins after this. */
  longest: 500,
  /** Of each suite. */
  calls: 6,
  /** For packets to come in each act. */
  patience: 300,
  /** Four for each call. */
  sockets: 48,
  /** Slots of the ledger of indices. */
  indices: 256,
} as const satisfies {
  acts: number;
  longest: Millis;
  calls: number;
  patience: Millis;
  sockets: number;
  indices: number;
};

/** What phones agree on most, of either kind. */
const suites: readonly SrtpSuite[] = ['AES_CM_128_HMAC_SHA1_80', 'AEAD_AES_256_GCM'];

/**
 * How many packets were relayed. Rejects when something of it does not work, which says that a call would not either, or when the loopback
 * is down.
 */
export async function rehearse({ open, ciphersOf, takeOver, clock, random }: RehearsalParts): Promise<number> {
  const { acts, longest, calls: callsOfSuite, patience, sockets, indices: slots } = rehearsalLimits;
  const indices = new ArrayBuffer(ledgerBytes(slots));
  formatLedger(new Uint8Array(indices), new Uint8Array(bootIdBytes));
  const vault = new KeyVault(random.bytes(vaultKeyBytes), random);
  const stageOn = async (opened: OpenedPacketIo): Promise<Stage> => {
    const { io } = opened;
    const ciphers = await ciphersOf(opened).catch((thrown: unknown) => {
      io.dispose();
      throw thrown;
    });
    const past = new LedgerPast();
    past.add(new Uint8Array(indices));
    const ledger = new IndexLedger(indices, past);
    const stage = new Stage({ io, ciphers, ledger, vault, clock, random, patience });
    stages.push(stage);
    return stage;
  };
  const end = clock.now() + longest;
  // What is still open when something of it fails: every act's, and the one's before that it goes on with.
  const stages: Stage[] = [];
  let left = new DescriptorLedger(sockets);
  const ledgers = [left];
  try {
    let stage = await stageOn(await open(left));
    const calls: RehearsedCall[] = [];
    for (const suite of suites) {
      for (let count = 0; count < callsOfSuite; count += 1) {
        calls.push(await stage.begin(calls.length + 1, newKeying(suite, random), newKeying(suite, random)));
      }
    }
    let heard = await stage.play();
    for (let act = 0; act < acts && (act === 0 || clock.now() < end); act += 1) {
      const before = left;
      left = new DescriptorLedger(sockets);
      ledgers.push(left);
      const opened = await open(left);
      const next = await stageOn(opened);
      await next.resume(calls, stage.snapshots(calls), await takeOver(opened, before.buffer));
      before.closeAll();
      heard += await next.play();
      stage = next;
    }
    return heard;
  } finally {
    for (const stage of stages) stage.close();
    for (const ledger of ledgers) ledger.closeAll();
  }
}

function newKeying(suite: SrtpSuite, random: Random): SrtpKeying {
  const { keyBytes, saltBytes } = profileOf(suite);
  return { suite, masterKey: random.bytes(keyBytes), masterSalt: random.bytes(saltBytes) };
}
