// Calls that scenarios begin with.
import type { Scenario } from './scenario.ts';
import { CalleeLeg, type CallerLeg, type Peer } from './scenario-peer.ts';
import type { InviteOptions, ScenarioPhone } from './scenario-phone.ts';
import { sdp } from './scenario-sdp.ts';

/** What the PBX describes. */
export function pbxSdp(
  options: { readonly direction?: string; readonly version?: number; readonly port?: number } = {},
): string {
  const { port = 30_000, ...rest } = options;
  return sdp({ address: '10.0.0.5', port, ...rest });
}

export interface Connected {
  readonly phone: ScenarioPhone;
  /** The caller's leg. */
  readonly call: CallerLeg;
  /** The callee's leg. */
  readonly leg: CalleeLeg;
}

/** `phone` calls the PBX, and is connected. */
export async function connect(
  s: Scenario,
  phone: ScenarioPhone = s.phone('alice'),
  options?: InviteOptions,
): Promise<Connected> {
  const call = await phone.invite('600', options);
  const leg = CalleeLeg.take(s.pbx);
  await leg.answer(pbxSdp());
  await call.takeAnswer();
  leg.takeAck();
  return { phone, call, leg };
}

/** The PBX calls a user. The INVITE has reached whoever it reaches. */
export function callFromPbx(s: Scenario, user: string, peer: Peer = s.pbx): Promise<CallerLeg> {
  return peer.call({ uri: `sip:${user}@10.0.0.10:5060`, from: '"Reception" <sip:100@pbx.test>', body: pbxSdp() });
}

/** The PBX calls a registered phone, and is connected. */
export async function connectFromPbx(s: Scenario, phone: ScenarioPhone): Promise<Connected> {
  const call = await callFromPbx(s, phone.name);
  const leg = CalleeLeg.take(phone);
  await leg.answer(phone.answer(leg.invite.body));
  await call.takeAnswer();
  leg.takeAck();
  return { phone, call, leg };
}

/** The caller hangs up, and both sides are released. */
export async function hangUp({ call, leg }: Pick<Connected, 'call' | 'leg'>): Promise<void> {
  await call.hangUp();
  await leg.takeBye();
}

/** The phone of a call to the PBX refers its other side to 601, and is out of it then. What is left of the call. */
export async function transfer(s: Scenario, { phone, call, leg }: Connected): Promise<Connected> {
  const progress = (): Promise<unknown> => call.respond(phone.takeRequest('NOTIFY'), 200);
  await call.send('REFER', { fields: [['Refer-To', '<sip:601@pbx.test>']] });
  phone.takeResponse(202, 'REFER');
  await progress();
  const target = CalleeLeg.take(s.pbx, 'target-tag');
  await target.answer(pbxSdp({ port: 31_000 }));
  await leg.respond(s.pbx.takeRequest('INVITE'), 200, { body: pbxSdp({ version: 2 }) });
  leg.takeAck();
  target.takeAck();
  await progress();
  await call.takeBye();
  return { phone, call, leg: target };
}
