// What decided an attempt, out of the questions that were asked on its way.
import type { RuleTrace } from '../policy/verdict.ts';

export interface Refused {
  readonly code: string;
  readonly detail: string;
}

/** Which answer an attempt was refused for: that of the limit that was full, else of the last question that was asked. */
export function decidingAnswer(refusal: Refused | null | undefined, rules: readonly RuleTrace[]): number | undefined {
  if (refusal === null || refusal === undefined) return undefined;
  const key = fullKey(refusal);
  if (key === undefined) return rules.length === 0 ? undefined : rules.length - 1;
  const index = rules.findLastIndex(({ rule, answer }) => rule !== 'identity' && answer.includes(` of ${key}`));
  return index < 0 ? undefined : index;
}

/** The rule that refused it, or that allowed it where one did; undefined where nothing but the defaults spoke. */
export function decidingRule(refusal: Refused | null | undefined, rules: readonly RuleTrace[]): string | undefined {
  if (refusal !== null && refusal !== undefined) return rules[decidingAnswer(refusal, rules) ?? -1]?.rule;
  return rules.findLast(({ rule, answer }) => rule === 'emergency' || (rule.startsWith('rule ') && answer === 'allow'))
    ?.rule;
}

/** What the answer of a limit names that was full; undefined where the refusal is none of a limit. */
function fullKey({ code, detail }: Refused): string | undefined {
  switch (code) {
    case 'user-cap':
      return 'user:';
    case 'trunk-cap':
      return 'trunk:';
    case 'total-cap':
      return 'total';
    case 'limit-cap':
    case 'call-rate':
    case 'minutes-used':
      return detail.replace(/^limit (\S+): (\S+) .*$/, 'limit:$1:$2');
    default:
      return undefined;
  }
}

/** Who pays, `user:alice@pbx.test`, where that is not the caller: the record says so under the rule `charge`. */
export function payerOf(rules: readonly RuleTrace[]): string | undefined {
  return rules.find(({ rule }) => rule === 'charge')?.answer.replace(' ', ':');
}
