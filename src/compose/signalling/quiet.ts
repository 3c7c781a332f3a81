// Whether signalling may stand still for a moment without anybody who waits for it.
import type { Signalling } from './signalling.ts';

/** With more of them there is much to collect, and one asks for something each moment. */
export const fewPhones = 1_000;

interface Work {
  readonly b2bua: Pick<Signalling['b2bua'], 'active'>;
  readonly userAgent: { readonly layer: Pick<Signalling['userAgent']['layer'], 'active'> };
  readonly registrar: Pick<Signalling['registrar'], 'flows'>;
}

/** It has no call, answers nobody, and few may ask it something. */
export function isQuiet({ b2bua, userAgent, registrar }: Work): boolean {
  return b2bua.active === 0 && userAgent.layer.active === 0 && registrar.flows <= fewPhones;
}
