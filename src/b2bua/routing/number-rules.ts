// How numbers leave towards one trunk or PBX: the called one rewritten, the caller's within what the trunk lets us show. What was
// rewritten is read again, so that policy decides on the number that is really called.
import type { NumberPattern } from '../../core/number-pattern.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { type NumberForm, writeNumber } from '../../policy/number-form.ts';
import type { DiallingSide, ReadNumber, SiteNumbers } from '../../policy/site-numbers.ts';
import type { Refusal } from '../../policy/verdict.ts';

/** The first rule whose pattern matches the canonical number is applied, in the order of its fields. */
export interface NumberRule {
  readonly match: NumberPattern;
  /** In place of the number; a `*` at its end stands for what the pattern's `*` stood for. */
  readonly replace?: string | undefined;
  /** Characters that go from the front; a plus counts. */
  readonly strip: number;
  readonly form?: NumberForm | undefined;
  /** Set before it as it is then written. */
  readonly prefix: string;
}

export type CallerIdRule =
  | { readonly kind: 'any' }
  | { readonly kind: 'fixed'; readonly number: string }
  | { readonly kind: 'anonymous' }
  /** Another one is shown as `otherwise`, or the call is refused. */
  | { readonly kind: 'allowed'; readonly numbers: readonly NumberPattern[]; readonly otherwise: string | undefined };

export interface PeerNumbers {
  readonly called: readonly NumberRule[];
  readonly caller: readonly NumberRule[];
  readonly callerId: CallerIdRule;
  /** Whose national numbers are written without their country. */
  readonly country: string | undefined;
  /** Who reads what leaves: what was rewritten is read as that side would. */
  readonly side: DiallingSide;
}

export const plainNumbers: PeerNumbers = {
  called: [],
  caller: [],
  callerId: { kind: 'any' },
  country: undefined,
  side: 'trunk',
};

export interface OutgoingNumbers {
  readonly called: string;
  /** Undefined: it leaves without a name (RFC 3323). */
  readonly caller: string | undefined;
  /** The number that is really called, where that is another one than was dialled. */
  readonly rewritten: ReadNumber | undefined;
}

/** `caller` as From or an asserted identity gives it, and the side that wrote it. */
export function outgoingNumbers(
  rules: PeerNumbers,
  { canonical, caller, side }: { readonly canonical: string; readonly caller: string; readonly side: DiallingSide },
  numbers: SiteNumbers,
): Result<OutgoingNumbers, Refusal> {
  const rule = rules.called.find(({ match }) => match.match(canonical) !== undefined);
  const called = rule === undefined ? { number: canonical, text: canonical } : apply(rule, canonical, rules.country);
  const read = called.number === canonical ? undefined : numbers.read(called.number, undefined, rules.side);
  if (read?.ok === false) return err(notANumber(called.number, read.error));
  const isFree = rules.caller.length === 0 && rules.callerId.kind === 'any';
  const shown = isFree ? ok(caller) : shownCaller(rules, canonicalCaller(caller, numbers, side));
  if (!shown.ok) return shown;
  const rewritten = read === undefined || read.value.canonical === canonical ? undefined : read.value;
  return ok({ called: called.text, caller: shown.value, rewritten });
}

/** `number`: what it means now; `text`: how that is written. */
function apply(rule: NumberRule, number: string, country: string | undefined): { number: string; text: string } {
  const { match, replace, strip, form, prefix } = rule;
  const rest = match.match(number) ?? '';
  const replaced =
    replace === undefined ? number.slice(strip) : replace.endsWith('*') ? replace.slice(0, -1) + rest : replace;
  // Without a form the prefix makes another number of it; behind one, it is for the switch that reads it.
  if (form === undefined) return { number: prefix + replaced, text: prefix + replaced };
  return { number: replaced, text: prefix + writeNumber(replaced, form, country) };
}

function canonicalCaller(caller: string, numbers: SiteNumbers, side: DiallingSide): string {
  const read = numbers.read(caller, undefined, side);
  return read.ok && read.value.kind !== 'emergency' ? read.value.canonical : caller;
}

function shownCaller(
  { caller: rules, callerId, country }: PeerNumbers,
  caller: string,
): Result<string | undefined, Refusal> {
  const written = (number: string): string => {
    const rule = rules.find(({ match }) => match.match(number) !== undefined);
    return rule === undefined ? number : apply(rule, number, country).text;
  };
  switch (callerId.kind) {
    case 'any':
      return ok(written(caller));
    case 'fixed':
      return ok(written(callerId.number));
    case 'anonymous':
      return ok(undefined);
    case 'allowed': {
      const isAllowed = callerId.numbers.some((pattern) => pattern.match(caller) !== undefined);
      if (isAllowed) return ok(written(caller));
      return callerId.otherwise === undefined ? err(callerNotShown(caller)) : ok(written(callerId.otherwise));
    }
    default:
      return callerId satisfies never;
  }
}

function notANumber(number: string, reason: string): Refusal {
  const detail = `rewritten to ${number}: ${reason}`;
  return { code: 'number-not-valid', status: 484, text: 'Address incomplete', detail };
}

function callerNotShown(caller: string): Refusal {
  const detail = `the trunk shows no caller ${caller}, and no default is configured`;
  return { code: 'caller-not-allowed', status: 403, text: 'Not allowed', detail };
}
