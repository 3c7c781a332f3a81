// The trunks that we register with, as the configuration says it now.
import type { KeyObject } from 'node:crypto';
import type { Peer } from '../../b2bua/routing/directory.ts';
import type { TrunkConfig } from '../../config/schema.ts';
import { RegisteringTrunk } from '../../registration/registering-trunk.ts';
import { deriveKey, keyedHash } from '../../sip/auth/keyed-hash.ts';
import { formatUri, noParameters } from '../../sip/message/uri.ts';
import type { PeerProbesParts, ProbedPeers } from './peer-probes.ts';

export interface TrunkRegistrationsParts extends PeerProbesParts {
  readonly secret: Uint8Array;
}

interface Running {
  /** Everything that a change of makes it another one. */
  readonly settings: string;
  readonly registration: RegisteringTrunk;
}

export class TrunkRegistrations {
  readonly #parts: TrunkRegistrationsParts;
  readonly #key: KeyObject;
  #running: ReadonlyMap<string, Running> = new Map();
  #peers: ProbedPeers | undefined;

  constructor(parts: TrunkRegistrationsParts) {
    this.#parts = parts;
    this.#key = deriveKey(parts.secret, 'trunk-contact');
  }

  /** Takes a configuration over; what is no more is taken back. */
  apply(peers: ProbedPeers): void {
    this.#peers = peers;
    const before = this.#running;
    const running = new Map<string, Running>();
    for (const trunk of peers.config.trunk) {
      const peer = peers.peer('trunk', trunk.name);
      if (!trunk.registers || peer === undefined) continue;
      const settings = JSON.stringify([
        peer.destination,
        peer.hostPort,
        trunk.username,
        trunk.register_expires,
        trunk.bulk_numbers,
      ]);
      const same = before.get(trunk.name);
      const isSame = same?.settings === settings;
      running.set(trunk.name, isSame ? same : { settings, registration: this.#start(trunk, peer) });
    }
    this.#running = running;
    const kept = new Set(running.values());
    for (const one of before.values()) if (!kept.has(one)) one.registration.withdraw();
  }

  /** Undefined for a trunk that we do not register with. */
  isRegistered(trunk: string): boolean | undefined {
    return this.#running.get(trunk)?.registration.isRegistered;
  }

  /** The user part of our Contact there: 96 bits that only its registrar is told. */
  contactUser(trunk: string): string {
    return `pt-${keyedHash(this.#key, trunk).toString('hex').slice(0, 24)}`;
  }

  /** Takes everything back. */
  withdraw(): void {
    for (const { registration } of this.#running.values()) registration.withdraw();
  }

  /** Something was taken back, and its registrar has not answered yet. */
  get isWithdrawing(): boolean {
    return Array.from(this.#running.values()).some(({ registration }) => registration.isWithdrawing);
  }

  close(): void {
    for (const { registration } of this.#running.values()) registration.close();
  }

  #start(
    { name, username, register_expires: expires, bulk_numbers: isBulk }: TrunkConfig,
    peer: Peer,
  ): RegisteringTrunk {
    const { userAgent, scheduler, random, logger } = this.#parts;
    return new RegisteringTrunk({
      name,
      destination: peer.destination,
      registrar: `${peer.scheme}:${peer.hostPort}`,
      address: formatUri({ scheme: 'sip', user: username, host: peer.identityHost, parameters: noParameters }),
      contactUser: isBulk ? undefined : this.contactUser(name),
      seconds: Math.ceil(expires / 1_000),
      // A trunk that is no more in the configuration is taken back with what it had.
      credentials: () => this.#peers?.peer('trunk', name)?.credentials ?? peer.credentials,
      userAgent,
      scheduler,
      random,
      logger,
    });
  }
}
