// Devices, between SIP and policy: which one a request comes from, who is told of a new one, and what operators decide.
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { AccessFacts } from '../../policy/access.ts';
import type { AlertSink } from '../../policy/alert.ts';
import { type Device, deviceOf, isCertificateOf, type SecondFactor } from '../../policy/device.ts';
import { type DeviceRecord, type DeviceStore, Devices } from '../../policy/devices.ts';
import type { TotpVerdict } from '../../policy/totp.ts';
import { instanceIn, instanceOf } from '../../registration/instance.ts';
import type { BindingRecord } from '../../registration/location.ts';
import type { Identity } from '../../sip/auth/identity.ts';
import { contacts } from '../../sip/message/header-fields.ts';
import type { SipRequest } from '../../sip/message/message.ts';
import type { Flow } from '../../sip/transport/transport.ts';

export interface DeskParts {
  readonly store: DeviceStore;
  /** The instance that a user registered with over that flow. */
  readonly instanceOn: (aor: string, flowId: string) => string | undefined;
  /** What a one-time code of a user is worth; it is used up. */
  readonly judgeCode: (aor: string, code: string) => TotpVerdict | 'not-enrolled';
  /** A device of that user may do nothing any more: what it has open is not for it. */
  readonly onDropped: (aor: string) => void;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onAlert: AlertSink;
  /** Absent: there are no other nodes. */
  readonly others?: DeviceSharing | undefined;
}

/** What the other nodes of a site are told. */
export interface DeviceSharing {
  decided(record: DeviceRecord): void;
  forgotten(device: Pick<DeviceRecord, 'id'>): void;
}

/** A request of a user. */
export interface Asking {
  readonly request: SipRequest;
  readonly flow: Flow;
  readonly aor: string;
  readonly factor: SecondFactor;
  /** Which device it comes from, where that was found before: what follows in a dialog need not say it again. */
  readonly device?: Device | undefined;
}

export class DeviceDesk {
  readonly #parts: DeskParts;
  readonly #devices: Devices;
  /** What whoever a dialog is with began it from, or was called at. */
  readonly #known = new WeakMap<Identity, Device>();

  constructor(parts: DeskParts) {
    this.#parts = parts;
    this.#devices = new Devices(parts.store);
  }

  /** Lists an unknown device as one that waits, and tells of it once. */
  ask(asking: Asking): void {
    const { flow, aor, factor } = asking;
    if (factor === 'off' || isCertified(flow, aor)) return;
    const source = flow.remote.address;
    const device = this.deviceOf(asking);
    const { standing, isNew } = this.#devices.ask(device, source, this.#now());
    const { logger, onAlert } = this.#parts;
    if (standing === 'unlisted') logger.warn('device-unlisted', { aor, device: device.id, source });
    if (!isNew) return;
    logger.warn('device-pending', { aor, device: device.id, description: device.description, source });
    onAlert({ kind: 'device-pending', user: aor, device: device.id, description: device.description, source });
  }

  deviceOf({ request, flow, aor, factor, device }: Asking): Device {
    if (device !== undefined) return device;
    const parsed = contacts(request.headers);
    const [contact] = parsed.ok && parsed.value !== '*' ? parsed.value : [];
    const own = contact === undefined ? undefined : instanceOf(contact.parameters)?.id;
    const instance = own ?? this.#parts.instanceOn(aor, flow.id);
    const userAgent = request.headers.get('User-Agent');
    return deviceOf(aor, { instance, userAgent, source: flow.remote.address }, factor);
  }

  facts(asking: Asking): AccessFacts['device'] {
    if (isCertified(asking.flow, asking.aor)) return { standing: 'certified', text: 'its client certificate' };
    return this.#factsOf(this.deviceOf(asking));
  }

  factsOfBinding(record: BindingRecord, flow: Flow, factor: SecondFactor): AccessFacts['device'] {
    if (isCertified(flow, record.aor)) return { standing: 'certified', text: 'its client certificate' };
    return this.#factsOf(deviceOfBinding(record, flow, factor));
  }

  /** That dialogs with `identity` are with this device. */
  remember(identity: Identity, device: Device): void {
    this.#known.set(identity, device);
  }

  remembered(identity: Identity): Device | undefined {
    return this.#known.get(identity);
  }

  list(): readonly DeviceRecord[] {
    return this.#devices.list(this.#now());
  }

  decide(id: string, state: 'approved' | 'denied', by: string): DeviceRecord | undefined {
    const record = this.#told(this.#devices.decide(id, state, by, this.#now()), by);
    if (record?.state === 'denied') this.#parts.onDropped(record.aor);
    return record;
  }

  /** Approves a device by a one-time code of its user; what an operator has denied is not the user's to approve. */
  approveByCode(id: string, code: string): DeviceRecord | TotpVerdict | 'not-enrolled' | 'denied' | undefined {
    const record = this.list().find((one) => one.id === id);
    if (record === undefined) return undefined;
    if (record.state === 'denied') return 'denied';
    const verdict = this.#parts.judgeCode(record.aor, code);
    if (verdict === 'right') return this.decide(id, 'approved', record.aor);
    this.#parts.logger.warn('device-code-refused', { aor: record.aor, device: id, verdict });
    return verdict;
  }

  /** Approves the device of a registration. Undefined: it was denied, and stays so. */
  admit(record: BindingRecord, flow: Flow, factor: SecondFactor, by: string): DeviceRecord | undefined {
    const source = flow.remote.address;
    const device = deviceOfBinding(record, flow, factor);
    if (this.#devices.standing(device, this.#now()) === 'denied') return undefined;
    const admitted = this.#devices.admit(device, source, by, this.#now());
    this.#parts.others?.decided(admitted);
    return admitted;
  }

  forget(id: string): DeviceRecord | undefined {
    const record = this.adoptForgotten({ id });
    if (record !== undefined) this.#parts.others?.forgotten({ id });
    return record;
  }

  /** It was decided at another node. */
  adopt(record: DeviceRecord): void {
    this.#devices.adopt(record);
    if (record.state === 'denied') this.#parts.onDropped(record.aor);
  }

  /** It was forgotten at another node. */
  adoptForgotten({ id }: Pick<DeviceRecord, 'id'>): DeviceRecord | undefined {
    const record = this.#devices.forget(id);
    if (record !== undefined) this.#parts.onDropped(record.aor);
    return record;
  }

  #told(record: DeviceRecord | undefined, by: string): DeviceRecord | undefined {
    if (record !== undefined) {
      this.#parts.others?.decided(record);
      this.#parts.logger.info('device-decided', { aor: record.aor, device: record.id, state: record.state, by });
    }
    return record;
  }

  #factsOf(device: Device): AccessFacts['device'] {
    return { standing: this.#devices.standing(device, this.#now()), text: `${device.id}: ${device.description}` };
  }

  #now(): number {
    return this.#parts.clock.wall();
  }
}

export function deviceOfBinding({ aor, key, userAgent }: BindingRecord, flow: Flow, factor: SecondFactor): Device {
  return deviceOf(aor, { instance: instanceIn(key), userAgent, source: flow.remote.address }, factor);
}

function isCertified({ secure, peerNames }: Flow, aor: string): boolean {
  return secure && isCertificateOf(aor, peerNames);
}
