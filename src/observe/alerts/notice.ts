// An alert as people get it: what it is about, how bad it is, and one line to read.
import { assertNever } from '../../core/assert-never.ts';
import type { EpochMillis } from '../../core/clock.ts';
import type { Alert } from '../../policy/alert.ts';

export type Severity = 'info' | 'warning' | 'critical';

/** What is sent. Versioned: receivers read it. */
export interface Notice {
  readonly v: 1;
  /** Unique; a receiver that gets one twice knows it by this. */
  readonly id: string;
  readonly node: string;
  readonly kind: Alert['kind'];
  readonly severity: Severity;
  /** Whom or what it is about; alerts of one kind and subject are gathered. */
  readonly subject: string;
  readonly text: string;
  readonly firstAt: EpochMillis;
  readonly lastAt: EpochMillis;
  /** How many alerts this one stands for. */
  readonly count: number;
}

export interface Described {
  readonly severity: Severity;
  readonly subject: string;
  readonly text: string;
}

export function describe(alert: Alert): Described {
  switch (alert.kind) {
    case 'emergency-call':
      return {
        severity: 'critical',
        subject: alert.caller,
        text: `emergency call from ${alert.caller} to ${alert.number} (call ${alert.call})`,
      };
    case 'fraud':
      return {
        severity: alert.level === 'act' ? 'critical' : 'warning',
        subject: `${alert.rule} ${alert.subject}`,
        text: `fraud rule ${alert.rule}: ${alert.subject}: ${alert.detail}${consequences(alert)}`,
      };
    case 'banned': {
      const whom = alert.account === undefined ? alert.source : `${alert.account} from ${alert.source}`;
      return {
        severity: 'warning',
        subject: whom,
        text: `banned ${whom} until ${new Date(alert.until).toISOString()}: ${alert.reason}`,
      };
    }
    case 'device-pending':
      return {
        severity: 'warning',
        subject: alert.user,
        text: `${alert.user} waits for device ${alert.device} to be approved: ${alert.description}, from ${alert.source}`,
      };
    case 'media-flood': {
      const whom = alert.party ?? `call ${alert.call}`;
      const limit = `${alert.packetsPerSecond} packets and ${alert.bytesPerSecond} bytes a second`;
      return {
        severity: 'warning',
        subject: whom,
        text: `${whom} sends more media than it may (${limit}; call ${alert.call})`,
      };
    }
    case 'one-way-audio': {
      const whom = alert.party ?? `call ${alert.call}`;
      return {
        severity: 'info',
        subject: whom,
        text: `one-way audio: nothing is heard of ${whom} while the other side is (call ${alert.call})`,
      };
    }
    case 'peer-down':
      return { severity: 'critical', subject: alert.peer, text: `${alert.peer} does not answer` };
    case 'peer-up':
      return { severity: 'info', subject: alert.peer, text: `${alert.peer} answers again` };
    case 'worker-lost':
      return { severity: 'critical', subject: 'media workers', text: `${alert.count} media workers were lost` };
    case 'records-lost':
      return { severity: 'critical', subject: 'call records', text: 'call records are lost: no disk takes them' };
    case 'store-trouble':
      return {
        severity: alert.trouble === 'thread-lost' ? 'warning' : 'critical',
        subject: 'store',
        text: `${storeTroubles[alert.trouble]}: ${alert.detail}`,
      };
    case 'store-lost':
      return {
        severity: 'critical',
        subject: 'shared store',
        text: `${alert.node} has lost the shared store: ${alert.newCalls === 'refuse' ? 'new calls are refused' : 'new calls are counted by this node alone'}`,
      };
    case 'store-back':
      return { severity: 'info', subject: 'shared store', text: `${alert.node} has the shared store again` };
    case 'node-taken-over':
      return {
        severity: 'critical',
        subject: `node ${alert.node}`,
        text: `this process is ${alert.node} now: ${alert.by === 'told' ? 'it was told to be' : 'nobody else was any more'}`,
      };
    case 'node-replaced':
      return {
        severity: 'critical',
        subject: `node ${alert.node}`,
        text: `another process is ${alert.node} now, and this one ends`,
      };
    case 'certificate-expiring':
      return {
        severity: alert.daysLeft <= 3 ? 'critical' : 'warning',
        subject: alert.file,
        text: `the certificate ${alert.file} expires in ${alert.daysLeft} days`,
      };
    case 'disk-low':
      return {
        severity: 'critical',
        subject: alert.path,
        text: `${alert.path} has ${alert.freeBytes} bytes left of ${alert.totalBytes}`,
      };
    case 'clock-jumped':
      return { severity: 'warning', subject: 'clock', text: `the wall clock jumped by ${alert.millis} ms` };
    case 'host':
      return { severity: alert.severity, subject: alert.finding, text: alert.detail };
    default:
      return assertNever(alert);
  }
}

const storeTroubles: Readonly<Record<Extract<Alert, { kind: 'store-trouble' }>['trouble'], string>> = {
  'thread-lost': 'the thread of the store ended and is started again',
  'not-written': 'the store cannot be written, and is tried again',
  silent: 'the store does not answer',
  lost: 'the store has taken nothing for so long that changes are not kept any more',
  unwritable: 'a change can not be kept',
};

const ranks: Readonly<Record<Severity, number>> = { info: 0, warning: 1, critical: 2 };

export function isAtLeast(severity: Severity, least: Severity): boolean {
  return ranks[severity] >= ranks[least];
}

function consequences({ actions, shadow }: Extract<Alert, { kind: 'fraud' }>): string {
  if (actions.length === 0) return '';
  return `; ${shadow ? 'in shadow, would have done' : 'done'}: ${actions.join(', ')}`;
}
