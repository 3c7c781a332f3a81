// What one REGISTER makes of the bindings of its AoR (RFC 3261 §10.3 steps 6 and 7, RFC 5626 §6). Pure.
import type { EpochMillis } from '../core/clock.ts';
import { err, ok, type Result } from '../core/result.ts';
import { contactExpires, contacts, essentialsOf } from '../sip/message/header-fields.ts';
import type { SipRequest } from '../sip/message/message.ts';
import type { NameAddr } from '../sip/message/name-addr.ts';
import type { Flow } from '../sip/user-agent/session.ts';
import type { BindingRecord } from './location.ts';

export interface RegistrarLimits {
  /** Seconds; below it 423 with Min-Expires. */
  readonly minExpires: number;
  /** Seconds; more is granted as this. */
  readonly maxExpires: number;
  /** Seconds; when the phone asks for none. */
  readonly defaultExpires: number;
  readonly contactsPerUser: number;
  readonly contactLength: number;
}

export const defaultRegistrarLimits: RegistrarLimits = {
  minExpires: 60,
  maxExpires: 3_600,
  defaultExpires: 3_600,
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
}

/** The bindings after this REGISTER; the very same array when it only asked (§10.2.3). */
export function applyContacts(input: RegisterInput): Result<readonly BindingRecord[], RegisterRefusal> {
  const { request, kept } = input;
  const parsed = contacts(request.headers);
  if (!parsed.ok) return err({ status: 400, detail: parsed.error.detail });
  if (parsed.value === '*') return removeAll(input);
  if (parsed.value.length === 0) return ok(kept);
  let bindings = kept;
  for (const contact of parsed.value) {
    const applied = applyContact({ ...input, kept: bindings }, contact);
    if (!applied.ok) return applied;
    bindings = applied.value;
  }
  return ok(bindings);
}

/** `Contact: *` stands alone and with Expires 0, and is no older than any binding (§10.3 step 6). */
function removeAll({ request, kept }: RegisterInput): Result<readonly BindingRecord[], RegisterRefusal> {
  if (request.headers.get('Expires')?.trim() !== '0')
    return err({ status: 400, detail: 'Contact * without Expires 0' });
  const { callId, cseq } = essentialsOf(request);
  const outdated = kept.some((binding) => binding.callId === callId && cseq.sequence <= binding.sequence);
  return outdated ? err({ status: 500, detail: 'CSeq is not higher than before' }) : ok([]);
}

function applyContact(input: RegisterInput, contact: NameAddr): Result<readonly BindingRecord[], RegisterRefusal> {
  const { request, kept, limits } = input;
  const { callId, cseq } = essentialsOf(request);
  if (contact.uri.scheme !== 'sip' && contact.uri.scheme !== 'sips') {
    return err({ status: 400, detail: 'a contact must be a sip or sips URI' });
  }
  if (contact.uriText.length > limits.contactLength) {
    return err({
      status: 400,
      detail: `a contact of ${contact.uriText.length} characters exceeds ${limits.contactLength}`,
    });
  }
  const key = bindingKey(contact);
  const before = kept.find((binding) => binding.key === key);
  if (before?.callId === callId && cseq.sequence <= before.sequence) {
    return err({ status: 500, detail: 'CSeq is not higher than before' });
  }
  const others = kept.filter((binding) => binding.key !== key);
  const asked = contactExpires(contact, request.headers, limits.defaultExpires);
  if (asked === 0) return ok(others);
  if (asked < limits.minExpires) {
    return err({ status: 423, minExpires: limits.minExpires, detail: `${asked} s is too short` });
  }
  if (others.length >= limits.contactsPerUser) {
    return err({ status: 403, detail: `more than ${limits.contactsPerUser} contacts` });
  }
  return ok([...others, bindingOf(input, contact, key, Math.min(asked, limits.maxExpires))]);
}

function bindingOf(
  { request, aor, flow, now }: RegisterInput,
  contact: NameAddr,
  key: string,
  seconds: number,
): BindingRecord {
  const { callId, cseq } = essentialsOf(request);
  return {
    v: 1,
    aor,
    contact: contact.uriText,
    key,
    callId,
    sequence: cseq.sequence,
    priority: priorityOf(contact),
    expiresAt: now + seconds * 1000,
    flowId: flow.id,
    listener: flow.listener,
    userAgent: request.headers.get('User-Agent')?.slice(0, 128),
  };
}

/** With an instance a phone that comes back over another flow replaces what it had before (RFC 5626 §6). */
function bindingKey(contact: NameAddr): string {
  const instance = contact.parameters.get('+sip.instance');
  if (instance === undefined) return contact.uriText;
  return `${instance} ${contact.parameters.get('reg-id') ?? ''}`;
}

function priorityOf(contact: NameAddr): number {
  const text = contact.parameters.get('q');
  const value = text === undefined ? 1 : Number(text);
  return Number.isFinite(value) && value >= 0 && value <= 1 ? value : 1;
}
