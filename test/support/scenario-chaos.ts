// Peers that do anything at any time: a phone, the PBX and two phones of a callee answer, refuse, ignore, hang up, put on hold
// refer each other, redirect and vanish as numbers tell them to. Whatever comes of it, the SBC must end with nothing left.
import type { SipRequest, SipResponse } from '../../src/sip/message/message.ts';
import { Scenario } from './scenario.ts';
import { pbxSdp } from './scenario-calls.ts';
import { CalleeLeg, type CallerLeg, type Field, type Peer, type PeerLeg } from './scenario-peer.ts';
import { ScenarioPhone } from './scenario-phone.ts';

/** What happens next; both numbers are free, and the situation makes something of them. */
export interface Move {
  readonly what: number;
  readonly how: number;
}

/** What a phone says that knows of PRACK and UPDATE. */
const knowing: readonly Field[] = [
  ['Supported', '100rel'],
  ['Allow', 'INVITE, ACK, CANCEL, BYE, PRACK, UPDATE'],
];

/** What a caller asks for that has a session timer (RFC 4028). */
const timed: readonly Field[] = [
  ['Supported', 'timer'],
  ['Session-Expires', '90;refresher=uac'],
];

/** What a callee settles: who refreshes how often. Some of it is shorter than it may be. */
const intervals = ['20;refresher=uac', '90;refresher=uas', '20;refresher=uas', '100', '1;refresher=uac'] as const;

/** Where calls are sent on to. */
const elsewhere = ['sip:601@pbx.test', 'sip:bob@pbx.test', 'sip:alice@pbx.test', 'sip:602@pbx.test'] as const;

const offering = ['INVITE', 'UPDATE', 'INVITE', 'UPDATE', 'INVITE'] as const;

type Act = readonly [name: string, act: (how: number) => Promise<void> | void];

export class Chaos {
  readonly s: Scenario;
  readonly #alice: ScenarioPhone;
  readonly #peers: readonly Peer[];
  readonly #callers: CallerLeg[] = [];
  readonly #callees: CalleeLeg[] = [];
  /** Callees that sent a final answer. */
  readonly #answered = new Set<CalleeLeg>();
  readonly moves: string[] = [];
  readonly #fields = new Map<CallerLeg, readonly Field[]>();
  /** RSeq of the last provisional of a callee that must arrive. */
  readonly #sequences = new Map<CalleeLeg, number>();
  /** Requests of ours that kept a session alive. */
  refreshes = 0;
  #numbers = 0;
  #losing = 0;

  private constructor(s: Scenario, alice: ScenarioPhone, bobs: readonly ScenarioPhone[]) {
    this.s = s;
    this.#alice = alice;
    this.#peers = [s.pbx, alice, ...bobs];
    s.wire.loses = () => {
      if (this.#losing === 0) return false;
      this.#losing -= 1;
      return true;
    };
  }

  static async begin(seed: number): Promise<Chaos> {
    const s = new Scenario({
      seed,
      limits: 'concurrent_calls = 3\nring_timeout = "50s"\nmax_call_duration = "100s"',
      tables: '[transfers]\nrefer = "handle"\n[redirects]\nlimit = 2',
    });
    const alice = await s.registered('alice', '198.51.100.1');
    const bobs = [await s.registered('bob', '198.51.100.2'), await s.registered('bob', '198.51.100.3')];
    return new Chaos(s, alice, bobs);
  }

  async play({ what, how }: Move): Promise<void> {
    const [name, act] = pick(this.#possible, what);
    this.moves.push(`${name} ${how}`);
    await act(how);
    await this.s.settle();
  }

  /** Everything is told to end; then nobody says anything any more. */
  async finish(): Promise<void> {
    this.s.reservations.mode = 'prompt';
    this.s.reservations.answer();
    this.s.media.failures.clear();
    this.s.media.release();
    await this.s.settle();
    this.s.b2bua.endAll();
    await this.s.advance(80_000);
    await this.s.finish({ errors: this.#expectedErrors() });
  }

  #expectedErrors(): readonly string[] {
    const failed = this.s.logged.some(({ event }) => event === 'media-failed');
    return failed ? ['media-failed'] : [];
  }

  /** Often what keeps calls going, now and then what breaks them; only what there is something for. */
  get #possible(): readonly Act[] {
    const unread = this.#peers.filter(({ inbox }) => inbox.length > 0);
    const waiting = this.#callees.filter((leg) => !this.#answered.has(leg));
    const callers = this.#callers.filter(hasDialog);
    const callees = this.#callees.filter((leg) => this.#answered.has(leg));
    const acts: readonly (readonly [weight: number, isPossible: boolean, act: Act])[] = [
      [6, this.#callers.length < 4, ['alice calls', (how) => this.#aliceCalls(how)]],
      [4, this.#callers.length < 4, ['pbx calls bob', () => this.#callBob()]],
      [48, unread.length > 0, ['read', (how) => this.#read(pick(unread, how), how)]],
      [24, waiting.length > 0, ['answer', (how) => this.#answer(pick(waiting, how), how)]],
      [2, callees.length > 0, ['answer again', (how) => this.#answer(pick(callees, how), how)]],
      [4, waiting.length > 0 && this.#callers.length < 6, ['pick up', (how) => this.#pickUp(pick(waiting, how), how)]],
      [2, this.#callers.length > 0, ['cancel', (how) => this.#cancel(pick(this.#callers, how))]],
      [2, callers.length > 0, ['caller hangs up', (how) => this.#send(pick(callers, how), 'BYE')]],
      [2, callees.length > 0, ['callee hangs up', (how) => this.#send(pick(callees, how), 'BYE')]],
      [6, callers.length > 0, ['caller re-INVITEs', (how) => this.#send(pick(callers, how), pick(offering, how), how)]],
      [6, callees.length > 0, ['callee re-INVITEs', (how) => this.#send(pick(callees, how), pick(offering, how), how)]],
      [4, callers.length > 0, ['caller refers', (how) => this.#refer(pick(callers, how), callers, how)]],
      [4, callees.length > 0, ['callee refers', (how) => this.#refer(pick(callees, how), callees, how)]],
      [2, true, ['lose', (how) => this.#lose(1 + (how % 2))]],
      [1, true, ['cut', (how) => this.s.wire.cut(pick(this.#peers.slice(1), how).flow)]],
      [2, true, ['wait', (how) => this.s.advance(pick([600, 4_000, 33_000], how))]],
      [6, callees.length > 0, ['wait for a refresh', () => this.s.advance(11_000)]],
      [8, true, ['wait a little', (how) => this.s.advance(pick([1, 100, 300], how))]],
      [2, true, ['store', (how) => this.#store(how)]],
      [2, true, ['media', (how) => this.#media(how)]],
      [1, this.s.b2bua.active > 0, ['operator', () => void this.s.b2bua.end(this.s.b2bua.calls()[0]?.id ?? '')]],
    ];
    return acts.flatMap(([weight, isPossible, act]) => (isPossible ? Array<Act>(weight).fill(act) : []));
  }

  async #call(leg: CallerLeg): Promise<void> {
    this.#callers.push(leg);
    await leg.peer.send(leg.invite);
  }

  /** With or without an offer, and knowing of PRACK and UPDATE or not. */
  #aliceCalls(how: number): Promise<void> {
    const fields = [...(how % 2 === 0 ? knowing : []), ...(how % 3 === 0 ? timed : [])];
    const leg = this.#alice.dial(
      how % 4 === 0 ? 'bob' : '600',
      how % 7 === 3 ? { body: undefined, fields } : { fields },
    );
    this.#fields.set(leg, fields);
    return this.#call(leg);
  }

  #callBob(): Promise<void> {
    return this.#call(
      this.s.pbx.newCall({ uri: 'sip:bob@10.0.0.10:5060', from: '<sip:100@pbx.test>', body: pbxSdp() }),
    );
  }

  /** The peer takes note of the oldest message in its inbox, or does not. */
  async #read(peer: Peer, how: number): Promise<void> {
    const message = peer.inbox.shift();
    if (message === undefined || how % 7 === 6) return;
    if (message.kind === 'response') await this.#onResponse(peer, message, how);
    else await this.#onRequest(peer, message, how);
  }

  async #onResponse(peer: Peer, response: SipResponse, how: number): Promise<void> {
    const [sequence = '', method] = (response.headers.get('CSeq') ?? '').split(' ');
    const leg = this.#legOf(peer, response.headers.get('Call-ID') ?? '', response);
    if (leg === undefined || method !== 'INVITE' || response.status <= 100) return;
    if (response.status < 200) {
      await this.#onProvisional(leg, response, how);
    } else if (response.status < 300) {
      const tag = /;tag=([^;]+)/.exec(response.headers.get('To') ?? '')?.[1];
      leg.state.remoteTag = tag ?? leg.state.remoteTag;
      const contact = /<([^>]+)>/.exec(response.headers.get('Contact') ?? '')?.[1];
      leg.state.target = contact ?? leg.state.target;
      const isOffer = isCaller(leg) && leg.invite.body.length === 0 && how % 5 < 4;
      await leg.ack(Number(sequence), how % 11 === 10 || isOffer ? { body: describe(peer, response, how) } : {});
    } else if (isCaller(leg) && Number(sequence) === numberOf(leg.invite)) {
      await leg.ackRefusal(response);
      if (response.status === 401 && peer instanceof ScenarioPhone)
        await peer.send(peer.signed(leg, response, this.#fields.get(leg)));
    }
  }

  /** One that must arrive is acknowledged, or is not; the PRACK makes an offer now and then. */
  async #onProvisional(leg: PeerLeg, response: SipResponse, how: number): Promise<void> {
    const { headers } = response;
    const number = headers.get('RSeq');
    if (number === undefined || !isCaller(leg) || how % 6 === 5) return;
    leg.state.remoteTag = /;tag=([^;]+)/.exec(headers.get('To') ?? '')?.[1] ?? leg.state.remoteTag;
    leg.state.target = /<([^>]+)>/.exec(headers.get('Contact') ?? '')?.[1] ?? leg.state.target;
    // Where its INVITE offered nothing, this is the offer, and the PRACK has to answer.
    const isLate = leg.invite.body.length === 0 && response.body.length > 0 && how % 5 < 4;
    const offer = how % 9 === 8 ? offerOf(leg.peer, how) : undefined;
    const body = isLate ? describe(leg.peer, response, how) : offer;
    await leg.send('PRACK', { body, fields: [['RAck', `${number} ${leg.invite.headers.get('CSeq')}`]] });
  }

  async #onRequest(peer: Peer, request: SipRequest, how: number): Promise<void> {
    const isNew = !(request.headers.get('To') ?? '').includes(';tag=');
    if (request.method === 'INVITE' && isNew) {
      const leg = CalleeLeg.of(peer, request, `tag-${this.#callees.length}`);
      this.#callees.push(leg);
      // Sometimes it forks.
      if (how % 5 === 4) this.#callees.push(CalleeLeg.of(peer, request, `fork-${this.#callees.length}`));
      return;
    }
    const leg = this.#legOf(peer, request.headers.get('Call-ID') ?? '', request);
    if (leg === undefined || request.method === 'ACK') return;
    if (request.method === 'UPDATE' && request.body.length === 0) this.refreshes += 1;
    if (request.method === 'CANCEL') {
      await leg.respond(request, 200);
      if (how % 2 === 0 && leg instanceof CalleeLeg) await leg.respond(leg.invite, 487);
    } else if (request.method === 'PRACK') {
      await leg.respond(request, pick([200, 200, 200, 481, 500], how));
    } else if (request.method === 'NOTIFY') {
      await leg.respond(request, pick([200, 200, 481], how));
    } else if (request.method === 'BYE') {
      await leg.respond(request, pick([200, 200, 481, 500], how));
    } else {
      const status = pick([200, 200, 488, 491, 481, 500], how);
      await leg.respond(request, status, status === 200 ? { body: describe(peer, request, how) } : {});
    }
  }

  async #answer(leg: CalleeLeg, how: number): Promise<void> {
    const status = pick([100, 180, 183, 200, 200, 200, 486, 404, 503, 603, 302], how);
    const body = status === 200 || status === 183 ? describe(leg.peer, leg.invite, how) : undefined;
    if (status >= 200) this.#answered.add(leg);
    this.#numbers += 1;
    const isReliable = status > 100 && status < 200 && how % 3 > 0;
    const number = how % 8 === 7 ? this.#numbers + 1 : (this.#sequences.get(leg) ?? 0) + 1;
    if (isReliable) this.#sequences.set(leg, number);
    const numbered: readonly Field[] = [['Require', '100rel'], ['RSeq', String(number)], ...knowing];
    const answer: readonly Field[] =
      status === 200 && how % 5 < 3 ? [...knowing, ['Session-Expires', pick(intervals, how)]] : knowing;
    const redirect: readonly Field[] = status === 302 ? [['Contact', `<${pick(elsewhere, how)}>`]] : [];
    await leg.respond(leg.invite, status, { body, fields: isReliable ? numbered : status < 300 ? answer : redirect });
  }

  async #cancel(leg: CallerLeg): Promise<void> {
    await leg.peer.send(leg.cancelRequest());
  }

  /** Another dialog of whoever it rings at takes its place (RFC 3891). */
  #pickUp({ peer, state }: CalleeLeg, how: number): Promise<void> {
    const { callId, remoteTag, localTag } = state;
    const fields: readonly Field[] = [
      ['Replaces', `${callId};to-tag=${remoteTag};from-tag=${localTag}${how % 2 === 0 ? ';early-only' : ''}`],
    ];
    const body = how % 9 === 8 ? undefined : offerOf(peer, how);
    const leg =
      peer instanceof ScenarioPhone
        ? peer.dial('601', { body, fields })
        : peer.newCall({ uri: 'sip:alice@10.0.0.10:5060', from: '<sip:101@pbx.test>', body, fields });
    this.#fields.set(leg, fields);
    return this.#call(leg);
  }

  async #send(leg: PeerLeg, method: string, how = 0): Promise<void> {
    const body = method !== 'BYE' && how % 4 > 0 ? offerOf(leg.peer, how) : undefined;
    await leg.send(method, { body });
  }

  /** Blind, or in the place of another dialog of the same peer (RFC 3515, RFC 3891). */
  async #refer(leg: PeerLeg, legs: readonly PeerLeg[], how: number): Promise<void> {
    const other = pick(legs, how >> 2);
    const { callId, remoteTag, localTag } = other.state;
    const replaces = encodeURIComponent(`${callId};to-tag=${remoteTag};from-tag=${localTag}`);
    const isAttended = how % 3 === 0 && other !== leg && other.peer === leg.peer;
    const target = isAttended ? `sip:600@pbx.test?Replaces=${replaces}` : pick(elsewhere, how);
    await leg.send('REFER', { fields: [['Refer-To', `<${target}>`]] });
  }

  #lose(count: number): void {
    this.#losing = count;
  }

  #store(how: number): void {
    const { reservations } = this.s;
    reservations.mode = pick(['prompt', 'slow', 'late', 'silent', 'broken', 'prompt'] as const, how);
    if (how % 2 === 0) reservations.answer();
  }

  #media(how: number): void {
    const { media } = this.s;
    const move = how % 8;
    if (move === 0) media.loseAll();
    else if (move === 1) media.open[0]?.timeOut();
    else if (move === 2) media.isSlow = true;
    else if (move === 3)
      media.failures.set(pick(['open-endpoints', 'set-remote', 'join'] as const, how >> 3), 'no-ports');
    else media.failures.clear();
    if (move > 3) media.release();
  }

  #legOf(peer: Peer, callId: string, message: SipRequest | SipResponse): PeerLeg | undefined {
    const address = message.headers.get(message.kind === 'request' ? 'To' : 'From') ?? '';
    const legs: readonly PeerLeg[] = [...this.#callers, ...this.#callees];
    const mine = legs.filter((leg) => leg.peer === peer && leg.state.callId === callId);
    return mine.find((leg) => address.includes(leg.state.localTag)) ?? mine[0];
  }
}

function isCaller(leg: PeerLeg): leg is CallerLeg {
  return !(leg instanceof CalleeLeg);
}

function numberOf(request: SipRequest): number {
  return Number.parseInt(request.headers.get('CSeq') ?? '', 10);
}

/** An answer that fits, or now and then one that does not. */
function describe(peer: Peer, request: SipRequest | SipResponse, how: number): string | undefined {
  if (how % 13 === 12) return 'v=0\r\n';
  if (how % 17 === 16) return undefined;
  return peer instanceof ScenarioPhone ? peer.answer(request.body) : pbxSdp();
}

function offerOf(peer: Peer, how: number): string {
  const direction = pick(['sendrecv', 'sendonly', 'inactive'], how);
  const version = 2 + (how % 50);
  return peer instanceof ScenarioPhone ? peer.offer({ direction, version }) : pbxSdp({ direction, version });
}

function hasDialog(leg: PeerLeg): boolean {
  return leg.state.remoteTag !== '';
}

/** One of `from`, which is not empty. */
function pick<T>(from: readonly T[], by: number): T {
  const picked = from[by % from.length];
  if (picked === undefined) throw new Error('nothing to pick from');
  return picked;
}
