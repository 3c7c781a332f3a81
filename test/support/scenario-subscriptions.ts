// A phone that subscribes and a PBX that notifies, by hand.
import type { SipRequest, SipResponse } from '../../src/sip/message/message.ts';
import type { Scenario } from './scenario.ts';
import { addressOf, tagOf, uriOf } from './scenario-headers.ts';
import { type Field, PeerLeg } from './scenario-peer.ts';
import { ScenarioPhone } from './scenario-phone.ts';

export const subscribing = '[subscriptions]\nrelay = true\n';

export interface Asking {
  readonly uri?: string;
  readonly event?: string;
  readonly expires?: number;
  readonly maxForwards?: number;
  readonly fields?: readonly Field[];
}

export const summaryType = 'application/simple-message-summary';

/** A phone's side: it asks, answers the challenge, and is told. */
export class PhoneSubscription extends PeerLeg {
  readonly phone: ScenarioPhone;

  constructor(phone: ScenarioPhone, uri: string) {
    super(phone, phone.newCall({ uri, from: `<${phone.aor}>` }).state);
    this.phone = phone;
  }

  static async ask(phone: ScenarioPhone, asking: Asking = {}): Promise<PhoneSubscription> {
    const { uri = phone.aor } = asking;
    const leg = new PhoneSubscription(phone, uri);
    const first = await leg.subscribe(asking);
    const answer = phone.credentials.answer(first, phone.takeResponse(401, 'SUBSCRIBE'));
    if (!answer.ok) throw new Error(answer.error);
    const { header, value } = answer.value;
    await leg.subscribe({ ...asking, fields: [...(asking.fields ?? []), [header, value]] });
    return leg;
  }

  async subscribe({ event = 'message-summary', expires, maxForwards = 70, fields = [] }: Asking): Promise<SipRequest> {
    const request = this.request('SUBSCRIBE', {
      fields: [
        ['Contact', this.phone.contact],
        ...(event === '' ? [] : [['Event', event] as const]),
        ...(expires === undefined ? [] : [['Expires', String(expires)] as const]),
        ...fields,
      ],
    });
    const sent = { ...request, headers: request.headers.with('Max-Forwards', String(maxForwards)) };
    await this.peer.send(sent);
    return sent;
  }

  take(status: number): SipResponse {
    const response = this.phone.takeResponse(status, 'SUBSCRIBE');
    if (status < 300) {
      this.state.remoteTag = tagOf(response.headers.get('To')) ?? '';
      this.state.target = uriOf(response.headers.get('Contact')) ?? '';
    }
    return response;
  }

  /** Takes a NOTIFY and answers it. */
  async told(status = 200): Promise<SipRequest> {
    const notify = this.phone.takeRequest('NOTIFY');
    await this.respond(notify, status);
    return notify;
  }
}

/** The PBX's side of it. */
export class PbxSubscription extends PeerLeg {
  readonly subscribe: SipRequest;

  constructor(s: Scenario, subscribe: SipRequest, tag = 'pbx-tag') {
    const { headers } = subscribe;
    super(s.pbx, {
      callId: headers.get('Call-ID') ?? '',
      local: addressOf(headers.get('To') ?? ''),
      remote: addressOf(headers.get('From') ?? ''),
      localTag: tag,
      remoteTag: tagOf(headers.get('From')) ?? '',
      target: uriOf(headers.get('Contact')) ?? '',
      sequence: 0,
    });
    this.subscribe = subscribe;
  }

  static take(s: Scenario, tag?: string): PbxSubscription {
    return new PbxSubscription(s, s.pbx.takeRequest('SUBSCRIBE'), tag);
  }

  accept(expires: number, request = this.subscribe): Promise<SipResponse> {
    return this.respond(request, 200, { fields: [['Expires', String(expires)]] });
  }

  async notify(
    state: string,
    {
      body,
      type = summaryType,
      event = 'message-summary',
      maxForwards = 70,
    }: { body?: string; type?: string; event?: string; maxForwards?: number } = {},
  ): Promise<SipRequest> {
    const request = this.request('NOTIFY', {
      body,
      fields: [
        ['Contact', this.peer.contact],
        ['Event', event],
        ['Subscription-State', state],
      ],
    });
    const typed = body === undefined ? request.headers : request.headers.with('Content-Type', type);
    const headers = typed.with('Max-Forwards', String(maxForwards));
    await this.peer.send({ ...request, headers });
    return request;
  }
}

/** Both sides of one that stands: granted for `expires`, and told once. */
export async function subscribe(
  s: Scenario,
  phone: ScenarioPhone,
  { expires = 600, ...asking }: Asking = {},
): Promise<{ readonly own: PhoneSubscription; readonly pbx: PbxSubscription }> {
  const own = await PhoneSubscription.ask(phone, { expires, ...asking });
  const pbx = PbxSubscription.take(s);
  await pbx.accept(expires);
  own.take(200);
  const { event = 'message-summary' } = asking;
  await pbx.notify(`active;expires=${expires}`, { event });
  await own.told();
  s.pbx.takeResponse(200, 'NOTIFY');
  return { own, pbx };
}

/** The phone wants no more of it. */
export async function unsubscribe(
  s: Scenario,
  own: PhoneSubscription,
  pbx: PbxSubscription,
  event = 'message-summary',
): Promise<void> {
  await own.subscribe({ expires: 0, event });
  await pbx.accept(0, s.pbx.takeRequest('SUBSCRIBE'));
  own.take(200);
  await pbx.notify('terminated;reason=timeout', { event });
  await own.told();
  s.pbx.takeResponse(200, 'NOTIFY');
}

/** Tables of a listener on UDP, beside those of the phones. */
export const datagrams = `
[[network]]
name = "open"
media = [{ address = "192.0.2.2" }]
encryption = "off"
[[listener]]
name = "datagrams"
network = "open"
transport = "udp"
address = "192.0.2.1:5060"
`;
const datagramPhone = { address: '198.51.100.7', port: 5060 };

/** The phone of Alice there. */
export function onDatagrams(s: Scenario): ScenarioPhone {
  const flow = s.wire.flow('datagrams', datagramPhone, 1);
  const phone = new ScenarioPhone({ name: 'alice', wire: s.wire, flow, settle: s.settle });
  s.wire.connect(phone);
  return phone;
}
