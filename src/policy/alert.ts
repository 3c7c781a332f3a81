// What somebody must be told of at once. The rooms say it; `observe/alerts` gathers, keeps and delivers it.
import type { EpochMillis, Millis } from '../core/clock.ts';

export type Alert =
  | { readonly kind: 'emergency-call'; readonly call: string; readonly caller: string; readonly number: string }
  | {
      readonly kind: 'fraud';
      readonly rule: string;
      readonly subject: string;
      readonly level: 'warn' | 'act';
      /** What was seen. */
      readonly detail: string;
      /** What is done about it, or would be were it not in shadow. */
      readonly actions: readonly string[];
      readonly shadow: boolean;
    }
  | {
      readonly kind: 'banned';
      readonly source: string;
      /** Absent: everything from that source. */
      readonly account?: string | undefined;
      readonly reason: string;
      readonly until: EpochMillis;
    }
  | {
      readonly kind: 'device-pending';
      readonly user: string;
      readonly device: string;
      readonly description: string;
      readonly source: string;
    }
  /** Somebody sends more media than it may; what is too much is dropped. */
  | {
      readonly kind: 'media-flood';
      readonly call: string;
      /** `user:alice@pbx.test`; absent before the call is answered. */
      readonly party?: string | undefined;
      readonly packetsPerSecond: number;
      readonly bytesPerSecond: number;
    }
  /** Nothing comes from one side of a call while the other is heard. A muted phone that sends nothing looks the same. */
  | {
      readonly kind: 'one-way-audio';
      readonly call: string;
      /** Who is silent: `user:alice@pbx.test`; absent before the call is answered. */
      readonly party?: string | undefined;
    }
  | { readonly kind: 'peer-down' | 'peer-up'; readonly peer: string }
  | { readonly kind: 'worker-lost'; readonly count: number }
  | { readonly kind: 'records-lost' }
  /** What should outlive the process may not: its thread ended, the disk takes nothing, or more waits than may. */
  | {
      readonly kind: 'store-trouble';
      readonly trouble: 'thread-lost' | 'not-written' | 'silent' | 'lost' | 'unwritable';
      readonly detail: string;
    }
  /** The store that nodes share is away, and what becomes of new calls. */
  | { readonly kind: 'store-lost'; readonly node: string; readonly newCalls: 'refuse' | 'local' }
  | { readonly kind: 'store-back'; readonly node: string }
  /** This process is that node from now on, or is so no more. */
  | { readonly kind: 'node-taken-over'; readonly node: string; readonly by: 'lease' | 'told' }
  | { readonly kind: 'node-replaced'; readonly node: string }
  | { readonly kind: 'certificate-expiring'; readonly file: string; readonly daysLeft: number }
  | { readonly kind: 'disk-low'; readonly path: string; readonly freeBytes: number; readonly totalBytes: number }
  | { readonly kind: 'clock-jumped'; readonly millis: Millis }
  /** Something about the machine: a sensor, a file that others can read, an old runtime. */
  | {
      readonly kind: 'host';
      readonly finding: string;
      readonly severity: 'info' | 'warning' | 'critical';
      readonly detail: string;
    };

/** Never throws, never waits. */
export type AlertSink = (alert: Alert) => void;
