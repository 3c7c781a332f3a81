// Into how many branches a request may still fork (RFC 5393 §5.3): those of one stage share what it came with, and a request that
// may have fewer than it needs is refused with 440. Stages come one after the other, and have the same each (§5.3.3).
import { parseDigits } from '../../sip/message/characters.ts';
import type { SipRequest } from '../../sip/message/message.ts';
import type { Stages } from './target.ts';

/** Max-Breadth of a request that came without one, and the most that is granted (§5.3.3.1). */
export const defaultMaxBreadth = 60;

/** The stages with the share of each target; undefined: one of them has more targets than the request may have branches. */
export function shared(request: SipRequest, stages: Stages): Stages | undefined {
  const written = request.headers.get('Max-Breadth');
  const breadth = Math.min(parseDigits(written ?? '', defaultMaxBreadth) ?? defaultMaxBreadth, defaultMaxBreadth);
  if (stages.some((stage) => stage.length > breadth)) return undefined;
  return stages.map((stage) => {
    // The default needs no saying.
    if (stage.length === 1 && written === undefined) return stage;
    const share = Math.floor(breadth / stage.length);
    const first = breadth - share * (stage.length - 1);
    return stage.map((target, index) => ({
      ...target,
      headers: target.headers.with('Max-Breadth', String(index === 0 ? first : share)),
    }));
  });
}
