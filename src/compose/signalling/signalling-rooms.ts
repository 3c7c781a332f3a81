// What signalling is made of, and what it is given: the rooms know each other only here, and only as what they are used for.
import type { B2bua } from '../../b2bua/b2bua.ts';
import type { CallRecord } from '../../b2bua/call/call-record.ts';
import type { Subscriptions } from '../../b2bua/subscription/subscriptions.ts';
import type { Config } from '../../config/schema.ts';
import type { Logger } from '../../core/logger.ts';
import type { Random } from '../../core/random.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import type { SocketAddress } from '../../core/socket-address.ts';
import type { MediaPlane } from '../../media/plane/media-plane.ts';
import type { HepExporter } from '../../observe/hep/hep-exporter.ts';
import type { Metrics } from '../../observe/metrics.ts';
import type { SignallingTrace } from '../../observe/trace/signalling-trace.ts';
import type { AlertSink } from '../../policy/alert.ts';
import type { RestorableReservations } from '../../policy/reservations.ts';
import type { TotpVerdict } from '../../policy/totp.ts';
import type { Registrar } from '../../registration/registrar.ts';
import type { SipTransports } from '../../sip/transport/sip-transports.ts';
import type { UserAgent } from '../../sip/user-agent/user-agent.ts';
import type { Stores } from '../../store/stores.ts';
import type { AccessGuard } from '../entrance/access-guard.ts';
import type { BanGuard, Firewall } from '../entrance/ban-guard.ts';
import type { OverloadGuard } from '../entrance/overload-guard.ts';
import type { WaitingRoom } from '../entrance/waiting-room.ts';
import type { FraudGuard } from '../fraud/fraud-guard.ts';
import type { CallKeeper } from '../keeping/call-keeper.ts';
import type { SharedSite } from '../nodes/shared-site.ts';
import type { DeviceDesk } from '../site/device-desk.ts';
import type { PolicyGround } from '../site/policy-ground.ts';
import type { Site } from '../site/site.ts';
import type { UserDatabase } from '../site/users.ts';
import type { Forwardings } from './forwardings.ts';
import type { PeerProbes } from './peer-probes.ts';
import type { ProcessPlace, ProcessRoom } from './process-room.ts';
import type { TrunkRegistrations } from './trunk-registrations.ts';
import type { UserStanding } from './user-standing.ts';

export interface SignallingOptions {
  readonly config: Config;
  readonly configFile: string;
  readonly environment: NodeJS.ProcessEnv;
  /** What nonces and challenge tags are keyed with. */
  readonly secret: Uint8Array;
  readonly users: UserDatabase;
  /** What outlives the process, loaded. */
  readonly stores: Stores;
  /** The node of a site whose nodes share a store; undefined: this one stands alone. */
  readonly shared?: Pick<SharedSite, 'refusesCalls' | 'isNodeAlive' | 'link' | 'others'> | undefined;
  /** Which of several processes of this machine this one is; undefined: it is the only one. */
  readonly place?: ProcessPlace | undefined;
  /** Where SIP messages go beside their way, for Homer. */
  readonly hep?: HepExporter | undefined;
  /** What nonces are keyed with, where not with `secret`: a nonce is good at the process that gave it. */
  readonly nonceSecret?: Uint8Array | undefined;
  readonly totp: { judge(owner: string, code: string): TotpVerdict | 'not-enrolled' };
  /** Drops banned sources before they reach us, where the configuration names a set. */
  readonly firewall?: Firewall | undefined;
  readonly media: MediaPlane;
  /** Where embedded PBXs are bound, by name. */
  readonly embedded: ReadonlyMap<string, SocketAddress>;
  readonly scheduler: Scheduler;
  /** For what waits as long as the process lives: a timer of a call must be seen when it is left behind. */
  readonly background: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
  readonly onRecord: (record: CallRecord) => void;
  /** Of a call that the process before had ended, or may have, when it was killed: it may have its record. Absent: as any other. */
  readonly onRecordAgain?: ((record: CallRecord) => void) | undefined;
  readonly onAlert: AlertSink;
  /** False while starting and draining: OPTIONS is answered 503. */
  readonly isAvailable: () => boolean;
}

/** Each is there once all are made: what one asks of another it asks when something happens. */
export interface SignallingRooms {
  readonly transports: SipTransports;
  /** The other processes of this machine; undefined where there is none. */
  readonly processes: ProcessRoom | undefined;
  readonly registrar: Registrar;
  readonly userAgent: UserAgent;
  readonly b2bua: B2bua;
  readonly forwardings: Forwardings;
  readonly metrics: Metrics;
  /** Undefined where the configuration gives it no memory. */
  readonly trace: SignallingTrace | undefined;
  readonly probes: PeerProbes;
  readonly trunks: TrunkRegistrations;
  readonly subscriptions: Subscriptions;
  readonly standing: UserStanding;
  readonly reservations: RestorableReservations;
  readonly ground: PolicyGround;
  readonly bans: BanGuard;
  readonly fraud: FraudGuard;
  readonly overload: OverloadGuard;
  readonly waitingRoom: WaitingRoom;
  readonly access: AccessGuard;
  readonly devices: DeviceDesk;
  readonly keeper: CallKeeper;
  /** By the configuration as it is applied now. */
  readonly site: Site;
  /** False until the listeners are bound: what runs then is an earlier process's. */
  readonly isListening: boolean;
  /** Users that were locked, or that the configuration has no more: some may be in the database. */
  recheck(aors: readonly string[]): void;
  /** Tells of a call that has ended, when it is known to be this process's. */
  recorded(tell: () => void): void;
}
