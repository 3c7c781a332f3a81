// One node of a site whose nodes share a store: what outlives this process and what counts over all of them, and what becomes of both
// while the store is away.
import type { Config } from '../../config/schema.ts';
import { messageOf, SbcError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import type { AlertSink } from '../../policy/alert.ts';
import type { BanRecord, BanTarget } from '../../policy/bans.ts';
import type { DeviceRecord } from '../../policy/devices.ts';
import type { FraudEvent } from '../../policy/fraud/fraud-event.ts';
import type { Hold } from '../../policy/fraud/holds.ts';
import type { KeyRing } from '../../sip/auth/sealing.ts';
import type { CallWriter } from '../../store/shared/call-writer.ts';
import { readBan, readBanTarget } from '../../store/shared/records.ts';
import { banEvent, banLiftedEvent, SharedBans } from '../../store/shared/shared-bans.ts';
import { SharedCalls } from '../../store/shared/shared-calls.ts';
import { SharedLocations } from '../../store/shared/shared-locations.ts';
import { SharedReservations } from '../../store/shared/shared-reservations.ts';
import type { NodeEvent, SharedStore } from '../../store/shared/shared-store.ts';
import { StoreLink } from '../../store/shared/store-link.ts';
import type { Stores } from '../../store/stores.ts';
import type { FraudSharing } from '../fraud/fraud-guard.ts';
import type { DeviceSharing } from '../site/device-desk.ts';
import {
  deviceEvent,
  deviceForgottenEvent,
  fraudEvent,
  holdEvent,
  holdLiftedEvent,
  readDevice,
  readDeviceId,
  readFraudEvent,
  readHold,
  readSubject,
} from './node-events.ts';
import { becomeNode, runProgram, type Standby } from './takeover.ts';

export interface SharedSiteParts {
  readonly config: Pick<Config, 'sbc' | 'store' | 'cluster'>;
  readonly store: SharedStore;
  /** Of calls, sealed under these keys. */
  readonly writer: CallWriter;
  readonly keys: KeyRing;
  readonly run: string;
  /** What this node keeps for itself. */
  readonly own: Stores;
  /** For what waits as long as the process lives. */
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly onAlert: AlertSink;
  /** Another process is this node now: this one must end without a word. */
  readonly onReplaced: () => void;
}

/** Who hears what other nodes said, and keeps calls. */
export interface SharedSiteUser {
  /** Another node banned somebody. */
  banned(record: BanRecord): void;
  banLifted(target: BanTarget): void;
  /** The store may have lost what was kept of calls. */
  keepAnew(): void;
  /** It happened at another node. */
  counted(event: FraudEvent): void;
  held(hold: Hold): void;
  holdLifted(subject: string): void;
  /** An operator, or a user by a one-time code, approved or denied it there. */
  deviceDecided(device: DeviceRecord): void;
  deviceForgotten(id: string): void;
}

export class SharedSite {
  readonly node: string;
  readonly stores: Stores;
  readonly link: StoreLink;
  readonly #parts: SharedSiteParts;
  readonly #reservations: SharedReservations;
  readonly #locations: SharedLocations;
  readonly #bans: SharedBans;
  readonly #calls: SharedCalls;
  #user: SharedSiteUser | undefined;
  #moved: Promise<void> = Promise.resolve();
  /** Whether the store has ever been there. */
  #wasUp = false;

  constructor(parts: SharedSiteParts) {
    this.#parts = parts;
    const { config, store, writer, run, own, scheduler, logger, keys, onReplaced, onAlert } = parts;
    this.node = nodeName(config);
    this.link = new StoreLink({
      store,
      interval: config.cluster.heartbeat,
      scheduler,
      logger,
      events: {
        onReturn: () => this.#returned(),
        onChanged: (isUp) => this.#changed(isUp),
        onEvents: (events) => this.#heard(events),
        onReplaced,
      },
    });
    const { link } = this;
    const { clock } = scheduler;
    const onLoss = config.store.on_store_loss;
    this.#reservations = new SharedReservations({ store, link, onLoss, isOwn: isCountedHere, clock, logger });
    this.#locations = new SharedLocations({ node: this.node, run, store, link, own: own.locations, logger });
    this.#bans = new SharedBans({ store, link, own: own.bans, logger });
    this.#calls = new SharedCalls({
      run,
      store,
      writer,
      link,
      keys,
      onTrouble: (detail) => onAlert({ kind: 'store-trouble', trouble: 'not-written', detail }),
      scheduler,
      logger,
    });
    this.stores = {
      ...own,
      calls: this.#calls,
      locations: this.#locations,
      bans: this.#bans,
      reservations: this.#reservations,
      flush: async () => {
        await Promise.all([this.#calls.flush(), own.flush()]);
      },
    };
  }

  /** What the other nodes are told; nobody waits for it, and while the store is away they are not. */
  readonly others: FraudSharing & DeviceSharing = {
    counted: (event) => this.#tell(fraudEvent, event),
    held: (hold) => this.#tell(holdEvent, hold),
    lifted: (subject) => this.#tell(holdLiftedEvent, { subject }),
    decided: (device) => this.#tell(deviceEvent, device),
    forgotten: ({ id }) => this.#tell(deviceForgottenEvent, { id }),
  };

  /** New calls are refused because the store is away. */
  get refusesCalls(): boolean {
    return this.#parts.config.store.on_store_loss === 'refuse' && !this.link.isUp;
  }

  /** Whether that node has beaten within its lease. While the store is away nobody knows, and it is worth a try. */
  isNodeAlive(node: string): boolean {
    return !this.link.isUp || this.link.nodes.includes(node);
  }

  /**
   * Becomes the node, and reads what it left and what all share: `stores` can be asked then. False when it was to end instead. A store
   * that is away has left nothing.
   */
  async begin(standby?: Standby): Promise<boolean> {
    const { config, store, scheduler, logger, onAlert } = this.#parts;
    const { takeover: by, on_takeover: program } = config.cluster;
    const parts = { store, node: this.node, by, program, scheduler, logger };
    const how = await becomeNode(parts, standby);
    if (how === undefined) return false;
    // From here on the node is kept, however long the rest takes.
    await this.link.start();
    if (how !== 'started') this.#moved = runProgram(parts);
    try {
      if (this.link.isUp) await Promise.all([this.#calls.fetch(), this.#bans.fetch()]);
    } catch (thrown) {
      logger.error('nothing-taken-over', { node: this.node, error: messageOf(thrown) });
    }
    if (how === 'lease' || how === 'told') onAlert({ kind: 'node-taken-over', node: this.node, by: how });
    return true;
  }

  /** Resolves when the address of the node is here, as far as this process has to do with it: before anything is bound. Never rejects. */
  get moved(): Promise<void> {
    return this.#moved;
  }

  attach(user: SharedSiteUser): void {
    this.#user = user;
  }

  /** The first thing asked must be the reservations: what calls reserve from now on comes after it. */
  async #returned(): Promise<void> {
    const told = this.#reservations.tell();
    await Promise.all([told, this.#locations.tell(), this.#bans.tell()]);
    if (this.#wasUp) {
      for (const ban of await this.#bans.fetch()) this.#user?.banned(ban);
      this.#user?.keepAnew();
    }
    this.#wasUp = true;
    this.#calls.returned();
  }

  #changed(isUp: boolean): void {
    const { onAlert, config } = this.#parts;
    if (isUp && this.link.lostTimes > 0) onAlert({ kind: 'store-back', node: this.node });
    if (!isUp) onAlert({ kind: 'store-lost', node: this.node, newCalls: config.store.on_store_loss });
  }

  #tell(kind: string, body: object): void {
    const { store, logger } = this.#parts;
    if (!this.link.isUp) return;
    store.tell(kind, JSON.stringify(body)).catch((thrown: unknown) => {
      logger.warn('other-nodes-not-told', { kind, error: messageOf(thrown) });
    });
  }

  #heard(events: readonly NodeEvent[]): void {
    for (const { node, kind, body } of events) {
      try {
        this.#take(kind, body);
      } catch (thrown) {
        this.#parts.logger.warn('node-event-unreadable', { node, kind, error: messageOf(thrown) });
      }
    }
  }

  #take(kind: string, body: string): void {
    if (kind === banEvent) this.#user?.banned(readBan(body));
    else if (kind === banLiftedEvent) this.#user?.banLifted(readBanTarget(body));
    else if (kind === fraudEvent) this.#user?.counted(readFraudEvent(body));
    else if (kind === holdEvent) this.#user?.held(readHold(body));
    else if (kind === holdLiftedEvent) this.#user?.holdLifted(readSubject(body));
    else if (kind === deviceEvent) this.#user?.deviceDecided(readDevice(body));
    else if (kind === deviceForgottenEvent) this.#user?.deviceForgotten(readDeviceId(body));
  }

  /**
   * Another process of this machine is to be the node. Resolves when it finds the calls as they are, or it is not wanted any more; rejects with
   * SbcError `store-lost` when they cannot be told.
   */
  async handOver(isWanted: () => boolean): Promise<void> {
    await this.#calls.flush();
    if (!isWanted()) return;
    if (this.#calls.waiting > 0 || !this.link.isUp)
      throw new SbcError('store-lost', 'the shared store has not got all calls');
    this.link.hold();
  }

  /** It is not to be the node after all. Never rejects. */
  carryOn(): Promise<void> {
    return this.link.carryOn();
  }

  /** An orderly end: nobody is the node any more. */
  async close(): Promise<void> {
    const { store, logger } = this.#parts;
    await this.#calls.flush();
    this.link.close();
    if (!this.link.isUp) return;
    try {
      await store.disown();
    } catch (thrown) {
      logger.warn('node-not-left', { error: messageOf(thrown) });
    }
  }
}

export function nodeName({ sbc, cluster }: Pick<Config, 'sbc' | 'cluster'>): string {
  return cluster.node ?? sbc.name;
}

/** The calls of the node itself: no other node has a part in what its machine can carry. */
function isCountedHere(key: string): boolean {
  return key === 'total';
}
