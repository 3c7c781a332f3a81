// What the layer gives to each transaction that it runs.
import type { Logger } from '../../core/logger.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import type { SipTransport } from '../transport/transport.ts';
import type { SipTimers } from './timers.ts';
import type { Turns } from './turns.ts';

export interface TransactionGround {
  readonly scheduler: Scheduler;
  readonly transport: SipTransport;
  readonly timers: SipTimers;
  readonly turns: Turns;
  readonly logger: Logger;
  /** Transactions that are over for their users and wait for copies alone; each counts itself. */
  readonly lingering: { count: number };
  /** Calls the transaction user. What it throws is logged and counted here, so that the outputs after it are still applied. */
  callUser(call: () => void): void;
}
