// The trunks and PBXs that are pinged, as the configuration says it now, and which of them are down.
import type { Peer } from '../../b2bua/routing/directory.ts';
import type { Config } from '../../config/schema.ts';
import type { Logger } from '../../core/logger.ts';
import type { Random } from '../../core/random.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import { PeerProbe } from '../../registration/peer-probe.ts';
import type { OutsideRequester } from '../../sip/user-agent/session.ts';

export interface PeerProbesParts {
  readonly userAgent: OutsideRequester;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
  readonly onChanged?: ((peer: string, isUp: boolean) => void) | undefined;
}

export interface ProbedPeers {
  readonly config: Config;
  peer(kind: 'pbx' | 'trunk', name: string): Peer | undefined;
}

interface Running {
  /** Everything that a change of makes it another one. */
  readonly settings: string;
  readonly probe: PeerProbe;
}

export class PeerProbes {
  readonly #parts: PeerProbesParts;
  /** By `trunk:NAME` or `pbx:NAME`. */
  #running: ReadonlyMap<string, Running> = new Map();

  constructor(parts: PeerProbesParts) {
    this.#parts = parts;
  }

  /** Takes a configuration over. A peer that did not change keeps what is known of it. */
  apply(peers: ProbedPeers): void {
    const before = this.#running;
    const running = new Map<string, Running>();
    for (const kind of ['trunk', 'pbx'] as const) {
      for (const { name, probe, probe_down_after: downAfter, probe_up_after: upAfter } of peers.config[kind]) {
        const peer = peers.peer(kind, name);
        if (probe === undefined || peer === undefined) continue;
        const key = `${kind}:${name}`;
        const settings = JSON.stringify([probe, downAfter, upAfter, peer.destination, peer.hostPort]);
        const same = before.get(key);
        const terms = { interval: probe, downAfter, upAfter };
        const uri = `${peer.scheme}:${peer.hostPort}`;
        const target = { name: key, destination: peer.destination, uri, identityHost: peer.identityHost };
        const isSame = same?.settings === settings;
        running.set(key, isSame ? same : { settings, probe: new PeerProbe({ ...this.#parts, target, terms }) });
      }
    }
    this.#running = running;
    const kept = new Set(running.values());
    for (const one of before.values()) if (!kept.has(one)) one.probe.close();
  }

  /** Undefined for a peer that is not pinged. */
  isUp(peer: string): boolean | undefined {
    return this.#running.get(peer)?.probe.isUp;
  }

  /** Each peer that is pinged, as `trunk:NAME` or `pbx:NAME`. */
  states(): readonly { readonly peer: string; readonly isUp: boolean }[] {
    return Array.from(this.#running, ([peer, { probe }]) => ({ peer, isUp: probe.isUp }));
  }

  close(): void {
    for (const { probe } of this.#running.values()) probe.close();
  }
}
