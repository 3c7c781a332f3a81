// What one REGISTER makes of the bindings of its AoR (RFC 3261 §10.3 steps 6 and 7, RFC 5626 §6). Pure, and whole or not
// at all: one contact that cannot be registered refuses the others with it.
import type { EpochMillis } from '../core/clock.ts';
import { err, ok, type Result } from '../core/result.ts';
import { contactExpires, contacts, essentialsOf, paths, tokens, vias } from '../sip/message/header-fields.ts';
import type { SipRequest } from '../sip/message/message.ts';
import type { NameAddr } from '../sip/message/name-addr.ts';
import { parseUri, sameUri } from '../sip/message/uri.ts';
import type { Flow } from '../sip/user-agent/session.ts';
import { type Instance, instanceKey, instanceOf } from './instance.ts';
import type { BindingRecord } from './location.ts';

export interface RegistrarLimits {
  /** Seconds; below it 423 with Min-Expires. */
  readonly minExpires: number;
  /** Seconds; more is granted as this. */
  readonly maxExpires: number;
  /** Seconds; when the phone asks for none. */
  readonly defaultExpires: number;
  /** Of what is granted, the share that chance takes away at most, though never below `minExpires`. */
  readonly expiresSpread: number;
  readonly contactsPerUser: number;
  readonly contactLength: number;
}

export const defaultRegistrarLimits: RegistrarLimits = {
  minExpires: 60,
  maxExpires: 3_600,
  defaultExpires: 3_600,
  expiresSpread: 0,
  contactsPerUser: 10,
  contactLength: 512,
};

export interface RegisterRefusal {
  readonly status: number;
  readonly minExpires?: number;
  readonly detail: string;
}

export interface RegisterInput {
  readonly request: SipRequest;
  readonly aor: string;
  readonly flow: Flow;
  readonly kept: readonly BindingRecord[];
  readonly now: EpochMillis;
  readonly limits: RegistrarLimits;
  /** In [0, 1): how much of the spread is taken away. */
  readonly chance: number;
}

/** The bindings after this REGISTER; the very same array when it only asked (§10.2.3). */
export function applyContacts(input: RegisterInput): Result<readonly BindingRecord[], RegisterRefusal> {
  const { request, kept, limits } = input;
  const parsed = contacts(request.headers);
  if (!parsed.ok) return err({ status: 400, detail: parsed.error.detail });
  if (parsed.value === '*') return kept.some((one) => isOutdated(one, request)) ? err(outdated) : ok([]);
  if (parsed.value.length === 0) return ok(kept);
  const asked = parsed.value.map((contact) => askedFor(contact, input));
  const refusal = refusalOf(asked, input);
  if (refusal !== undefined) return err(refusal);
  const others = kept.filter((binding) => !asked.some((one) => isOf(one, binding)));
  // A phone that changes its address may send the new contact before it takes the old one back: what is added stays.
  const added = new Map(asked.filter(({ seconds }) => seconds > 0).map((one) => [one.key, bindingOf(input, one)]));
  if (added.size > 0 && others.length + added.size > limits.contactsPerUser) {
    return err({ status: 403, detail: `more than ${limits.contactsPerUser} contacts` });
  }
  return ok([...others, ...added.values()]);
}

/** Whether every phone is where it was, and no other has come: nothing that anybody must be told of. */
export function isRenewal(bindings: readonly BindingRecord[], before: readonly BindingRecord[]): boolean {
  const isThere = ({ key, flowId }: BindingRecord): boolean =>
    before.some((binding) => binding.key === key && binding.flowId === flowId);
  return bindings.length === before.length && bindings.every(isThere);
}

interface Asked {
  readonly contact: NameAddr;
  readonly instance: Instance | undefined;
  /** What makes it the same phone: with an instance, one that comes back over another flow replaces what it had (RFC 5626 §6). */
  readonly key: string;
  readonly seconds: number;
}

const outdated: RegisterRefusal = { status: 500, detail: 'CSeq is not higher than before' };

/** §10.3: a REGISTER of the same Call-ID that was sent before the one that made the binding. */
function isOutdated(binding: BindingRecord, request: SipRequest): boolean {
  const { callId, cseq } = essentialsOf(request);
  return binding.callId === callId && cseq.sequence <= binding.sequence;
}

function askedFor(contact: NameAddr, { request, limits }: RegisterInput): Asked {
  const instance = instanceOf(contact.parameters);
  const key = instance === undefined ? contact.uriText : instanceKey(instance);
  const seconds = Math.min(contactExpires(contact, request.headers, limits.defaultExpires), limits.maxExpires);
  return { contact, instance, key, seconds };
}

function refusalOf(asked: readonly Asked[], { request, kept, limits }: RegisterInput): RegisterRefusal | undefined {
  for (const one of asked) {
    const { scheme } = one.contact.uri;
    if (scheme !== 'sip' && scheme !== 'sips') return bad('a contact must be a sip or sips URI');
    const { length } = one.contact.uriText;
    if (length > limits.contactLength) {
      return bad(`a contact of ${length} characters exceeds ${limits.contactLength}`);
    }
    if (kept.some((binding) => isOf(one, binding) && isOutdated(binding, request))) return outdated;
    // Who asks for an hour or more is never too brief (§10.3 step 7).
    if (one.seconds > 0 && one.seconds < Math.min(limits.minExpires, hour)) {
      return { status: 423, minExpires: limits.minExpires, detail: `${one.seconds} s is too short` };
    }
  }
  const flows = asked.filter(({ instance, seconds }) => instance?.regId !== undefined && seconds > 0);
  if (flows.length > 1) return bad('one REGISTER is one flow: more than one contact with a reg-id');
  if (flows.length === 1 && lacksOutbound(request)) return firstHopLacksOutbound;
  return isLoosePath(request, limits) ? undefined : bad(`a path must be of at most ${maxPath} loose routers`);
}

/** Proxies on the way to one phone. */
export const maxPath = 8;

/** Whether the sender understands Path: else it is not told of one, and none is kept (RFC 3327 §5.3). */
export function knowsPath({ headers }: SipRequest): boolean {
  return ['Supported', 'Require'].some((name) => tokens(headers, name).some((tag) => tag.toLowerCase() === 'path'));
}

function pathOf(request: SipRequest): readonly string[] {
  return knowsPath(request) ? request.headers.values('Path') : [];
}

/** A strict router would take the place of the Request-URI (RFC 3261 §16.6 step 6). */
function isLoosePath(request: SipRequest, { contactLength }: RegistrarLimits): boolean {
  const path = paths(request.headers);
  if (!knowsPath(request)) return true;
  if (!path.ok || path.value.length > maxPath) return false;
  return path.value.every(({ uri, uriText }) => {
    const isSip = uri.scheme === 'sip' || uri.scheme === 'sips';
    return isSip && uri.parameters.has('lr') && uriText.length <= contactLength;
  });
}

const firstHopLacksOutbound: RegisterRefusal = { status: 439, detail: 'a flow through a proxy that keeps none' };

/**
 * A phone that wants its flow kept came through a proxy, and the one that it is connected to does not say that it keeps flows: the
 * last Path has no `ob` (RFC 5626 §6). The phone tries again without outbound.
 */
function lacksOutbound({ headers }: SipRequest): boolean {
  const hops = vias(headers);
  const isDirect = hops.ok && hops.value.length === 1;
  const wantsOutbound = tokens(headers, 'Supported').some((tag) => tag.toLowerCase() === 'outbound');
  if (isDirect || !wantsOutbound) return false;
  const path = paths(headers);
  const uri = path.ok ? path.value.at(-1)?.uri : undefined;
  return uri?.scheme !== 'sip' && uri?.scheme !== 'sips' ? true : !uri.parameters.has('ob');
}

function bad(detail: string): RegisterRefusal {
  return { status: 400, detail };
}

const hour = 3_600;

/** The same phone, or the same URI (§19.1.4) where one of the two has not said which phone it is. */
function isOf(asked: Asked, binding: BindingRecord): boolean {
  if (asked.key === binding.key) return true;
  if (asked.instance !== undefined && binding.key !== binding.contact) return false;
  const bound = parseUri(binding.contact);
  return bound.ok && sameUri(bound.value, asked.contact.uri);
}

/** Phones that came back together do not all come again at the same moment: a registrar may grant less than was asked for (§10.2.1.1). */
function grantedSeconds(asked: number, { limits, chance }: RegisterInput): number {
  const least = Math.min(asked, limits.minExpires);
  return Math.max(least, asked - Math.floor(asked * limits.expiresSpread * chance));
}

function bindingOf(input: RegisterInput, { contact, key, seconds }: Asked): BindingRecord {
  const { request, aor, flow, now } = input;
  const { callId, cseq } = essentialsOf(request);
  return {
    v: 3,
    aor,
    contact: contact.uriText,
    key,
    callId,
    sequence: cseq.sequence,
    priority: priorityOf(contact),
    expiresAt: now + grantedSeconds(seconds, input) * 1000,
    flowId: flow.id,
    listener: flow.listener,
    userAgent: printable(request.headers.get('User-Agent')),
    datagram: datagramOf(flow),
    path: pathOf(request),
  };
}

function datagramOf({ reliable, network, local, remote }: Flow): BindingRecord['datagram'] {
  return reliable ? undefined : { network, local, remote };
}

/** 0 to 1 with three decimals (§20.10); what is none counts as 1. */
function priorityOf(contact: NameAddr): number {
  const text = contact.parameters.get('q') ?? '';
  return /^(0(\.[0-9]{0,3})?|1(\.0{0,3})?)$/.test(text) ? Number(text) : 1;
}

/** As it may be shown to an operator: terminals obey control characters. */
function printable(text: string | undefined): string | undefined {
  return text?.slice(0, 128).replaceAll(/[^ -~]/g, '?');
}
