// What the configuration says of subscriptions, as connect asks it.
import type { SubscriptionPolicy } from '../../b2bua/routing/method-policy.ts';
import type { Config } from '../../config/schema.ts';

export function subscriptionPolicy({ subscriptions, pbx }: Config): SubscriptionPolicy {
  const { relay, packages, per_user: perUser, total, max_bytes: maxBytes, unsolicited } = subscriptions;
  const name = subscriptions.pbx ?? pbx[0]?.name;
  return {
    relay,
    packages,
    via: name === undefined ? undefined : { kind: 'pbx', name },
    minSeconds: subscriptions.min_expires / 1_000,
    maxSeconds: subscriptions.max_expires / 1_000,
    perUser,
    total,
    maxBytes,
    unsolicited,
  };
}
