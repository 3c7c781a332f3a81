// PBXs that registrations are forwarded to, as the configuration says it now: one mid-registrar each.
import type { KeyObject } from 'node:crypto';
import type { Peer, TokenMeaning } from '../../b2bua/routing/directory.ts';
import type { Config, PbxConfig } from '../../config/schema.ts';
import type { Logger } from '../../core/logger.ts';
import type { Random } from '../../core/random.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import { Forwarding } from '../../registration/forwarding.ts';
import { defaultMidLimits } from '../../registration/mid-registrar.ts';
import { deriveKey, keyedHash } from '../../sip/auth/keyed-hash.ts';
import type { OutsideRequester } from '../../sip/user-agent/session.ts';

export interface ForwardingsParts {
  readonly userAgent: OutsideRequester;
  readonly secret: Uint8Array;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
}

/** What the configuration says of peers. */
export interface PeersNow {
  readonly config: Config;
  peer(kind: 'pbx', name: string): Peer | undefined;
}

interface Running {
  readonly pbx: string;
  readonly domains: readonly string[];
  /** Everything that a change of makes it another one. */
  readonly settings: string;
  readonly forwarding: Forwarding;
}

export class Forwardings {
  readonly #parts: ForwardingsParts;
  readonly #key: KeyObject;
  #running: readonly Running[] = [];
  /** They still take back what they had registered. */
  #ending: readonly Forwarding[] = [];
  #peers: PeersNow | undefined;

  constructor(parts: ForwardingsParts) {
    this.#parts = parts;
    this.#key = deriveKey(parts.secret, 'registration-token');
  }

  /** AoRs that PBXs know through us. */
  get size(): number {
    return [...this.#running.map(({ forwarding }) => forwarding), ...this.#ending].reduce(
      (sum, one) => sum + one.size,
      0,
    );
  }

  /** Takes a configuration over. True when AoRs may now belong elsewhere, and must be announced. */
  apply(peers: PeersNow): boolean {
    this.#peers = peers;
    const before = this.#running;
    this.#running = peers.config.pbx.flatMap((pbx) => {
      const peer = peers.peer('pbx', pbx.name);
      if (pbx.registrations !== 'forward' || peer === undefined) return [];
      const settings = settingsOf(pbx);
      const same = before.find((one) => one.pbx === pbx.name && one.settings === settings);
      return [same ?? { pbx: pbx.name, domains: pbx.domains, settings, forwarding: this.#start(pbx, peer) }];
    });
    const ended = before.filter((one) => !this.#running.includes(one)).map(({ forwarding }) => forwarding);
    for (const forwarding of ended) forwarding.withdraw();
    this.#ending = [...this.#ending, ...ended].filter((forwarding) => forwarding.size > 0);
    return before.length !== this.#running.length || ended.length > 0;
  }

  /** Where registrations of `aor` go: the first PBX that names its domain, or names none. */
  of(aor: string): Forwarding | undefined {
    const domain = aor.slice(aor.lastIndexOf('@') + 1);
    return this.#running.find(({ domains }) => domains.length === 0 || domains.includes(domain))?.forwarding;
  }

  /** Whom one of our tokens stands for at that PBX. */
  aorOf(pbx: string, user: string): TokenMeaning | undefined {
    if (!tokenForm.test(user)) return undefined;
    return { aor: this.#running.find((one) => one.pbx === pbx)?.forwarding.aorOf(user) };
  }

  close(): void {
    for (const forwarding of [...this.#running.map((one) => one.forwarding), ...this.#ending]) forwarding.close();
  }

  #start(pbx: PbxConfig, peer: Peer): Forwarding {
    const { userAgent, scheduler, random, logger } = this.#parts;
    const { name, forward_by: by, forward_expires: expires } = pbx;
    return new Forwarding({
      userAgent,
      scheduler,
      random,
      logger,
      target: {
        name,
        by,
        destination: peer.destination,
        credentials: () => this.#peers?.peer('pbx', name)?.credentials,
      },
      tokenOf: (aor) => `${tokenMark}${keyedHash(this.#key, aor).toString('hex').slice(0, tokenLength)}`,
      limits: { ...defaultMidLimits, seconds: Math.ceil(expires / 1000) },
    });
  }
}

const tokenMark = 'pc-';
/** 96 bits. */
const tokenLength = 24;
/** What a PBX calls that looks so is a token of ours: a user may well be called `pc-reception`. */
const tokenForm = /^pc-[0-9a-f]{24}$/;

function settingsOf({ listener, uri, domains, forward_by, forward_expires, certificate_name }: PbxConfig): string {
  return JSON.stringify([listener, uri, domains, forward_by, forward_expires, certificate_name]);
}
