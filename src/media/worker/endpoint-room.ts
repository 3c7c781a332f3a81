// What an endpoint has around it: what it shares with others of its worker, its sockets, and whom it tells.
import type { Clock } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import type { SocketAddress } from '../../core/socket-address.ts';
import type { DtlsRoom } from '../dtls/dtls-peer.ts';
import type { PacketIo, SocketId } from '../packet-io/packet-io.ts';
import type { MediaLimit } from '../plane/messages.ts';
import type { KeysRoom } from './endpoint-keys.ts';

/** What all endpoints of a worker share. */
export interface EndpointRoom extends KeysRoom {
  readonly io: PacketIo;
  readonly clock: Clock;
  readonly random: Random;
  /** Keys the hash that names in RTCP are replaced by. */
  readonly nameSecret: number;
  /** Packets each way of an endpoint whose headers are noted; 0: none. */
  readonly headerPackets: number;
  /** Undefined where there is no DTLS. */
  readonly dtls: DtlsRoom | undefined;
}

/** The sockets of an endpoint and the even port that they were taken with. */
export interface EndpointSockets {
  readonly address: string;
  readonly evenPort: number;
  readonly rtp: SocketId;
  readonly rtcp: SocketId | undefined;
}

/** What an endpoint tells its session. */
export interface EndpointEvents {
  onLatched(endpoint: number, remote: SocketAddress): void;
  /** No handshake gave keys for `keyingDeadline`. */
  onUnkeyed(endpoint: number, reason: string): void;
  /** Where its peer is, or a key, has changed: what a successor must know. */
  onChanged(): void;
  /** Its peer sends more than it may; told once. */
  onOverLimit(endpoint: number, limit: MediaLimit): void;
}
