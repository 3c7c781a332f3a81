// Which digest algorithms a challenge offers: those that its listener and its domain both have. A domain narrows what a listener offers,
// and never adds to it.
import { isInside } from './process-config.ts';
import type { Config, ListenerConfig } from './schema.ts';

type Algorithm = ListenerConfig['algorithms'][number];

/** At that listener for users of that domain; a domain without `algorithms` has what the listener has. */
export function offeredAt(
  { algorithms }: Pick<ListenerConfig, 'algorithms'>,
  domain: Pick<Config['domain'][number], 'algorithms'> | undefined,
): readonly Algorithm[] {
  return algorithms.filter((one) => domain?.algorithms?.includes(one) ?? true);
}

/** What users of that domain are offered at any listener that challenges. */
export function offeredIn(config: Config, domain: string): readonly Algorithm[] {
  const rule = config.domain.find(({ name }) => name === domain);
  const offered = config.listener
    .filter(({ name }) => !isInside(config, name))
    .flatMap((listener) => offeredAt(listener, rule));
  return [...new Set(offered)];
}
