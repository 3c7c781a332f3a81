// The shape of the TOML file as a whole; its tables are in `schema/`. What fits together with what is `cross-checks.ts`.
import * as z from 'zod';
import { group, limits, registrations, user } from './schema/accounts.ts';
import { alerts } from './schema/alerts.ts';
import { bans } from './schema/bans.ts';
import { fraud } from './schema/fraud.ts';
import { messages, redirects, sessionTimers, subscriptions, transfers } from './schema/methods.ts';
import { emergency, numbers } from './schema/numbers.ts';
import { admin, cdr, hep, log, reload, trace } from './schema/operation.ts';
import { overload } from './schema/overload.ts';
import { passwords } from './schema/passwords.ts';
import { pbx, trunk, trunkGroup } from './schema/peers.ts';
import { domain, listener, media, network, sbc, transport } from './schema/place.ts';
import { hours, limit, rule } from './schema/policy.ts';
import { route } from './schema/routes.ts';
import { cluster, store } from './schema/store.ts';
import { zone } from './schema/zones.ts';

const tables = {
  sbc: sbc.prefault({}),
  domain: z.array(domain).min(1),
  network: z.array(network).min(1),
  listener: z.array(listener).min(1),
  pbx: z.array(pbx).default([]),
  trunk: z.array(trunk).default([]),
  trunk_group: z.array(trunkGroup).default([]),
  media: media.prefault({}),
  transport: transport.prefault({}),
  numbers: numbers.prefault({}),
  emergency: emergency.prefault({}),
  rule: z.array(rule).default([]),
  limit: z.array(limit).default([]),
  hours: z.array(hours).default([]),
  limits: limits.prefault({}),
  registrations: registrations.prefault({}),
  passwords: passwords.prefault({}),
  bans: bans.prefault({}),
  fraud: fraud.prefault({}),
  alerts: alerts.prefault({}),
  overload: overload.prefault({}),
  zone: z.array(zone).max(1_000).default([]),
  group: z.array(group).default([]),
  user: z.array(user).default([]),
  route: z.array(route).default([]),
  messages: messages.prefault({}),
  subscriptions: subscriptions.prefault({}),
  transfers: transfers.prefault({}),
  session_timers: sessionTimers.prefault({}),
  redirects: redirects.prefault({}),
  log: log.prefault({}),
  cdr: cdr.prefault({}),
  trace: trace.prefault({}),
  hep: hep.optional(),
  reload: reload.prefault({}),
  admin: admin.prefault({}),
  store: store.prefault({}),
  cluster: cluster.prefault({}),
};

export const schema = z.strictObject(tables);

/** The tables that can be read, where others cannot: an unreadable one is undefined. */
export const readableTables = z.object({
  sbc: tables.sbc.optional().catch(undefined),
  domain: tables.domain.optional().catch(undefined),
  network: tables.network.optional().catch(undefined),
  listener: tables.listener.optional().catch(undefined),
  pbx: tables.pbx.optional().catch(undefined),
  trunk: tables.trunk.optional().catch(undefined),
  trunk_group: tables.trunk_group.optional().catch(undefined),
  registrations: tables.registrations.optional().catch(undefined),
  emergency: tables.emergency.optional().catch(undefined),
  rule: tables.rule.optional().catch(undefined),
  limit: tables.limit.optional().catch(undefined),
  hours: tables.hours.optional().catch(undefined),
  fraud: tables.fraud.optional().catch(undefined),
  zone: tables.zone.optional().catch(undefined),
  group: tables.group.optional().catch(undefined),
  user: tables.user.optional().catch(undefined),
  route: tables.route.optional().catch(undefined),
  subscriptions: tables.subscriptions.optional().catch(undefined),
  store: tables.store.optional().catch(undefined),
  cluster: tables.cluster.optional().catch(undefined),
  admin: tables.admin.optional().catch(undefined),
  media: tables.media.optional().catch(undefined),
  limits: tables.limits.optional().catch(undefined),
});

/** A `Config` is one in which everything could be read. */
export type ReadableTables = z.output<typeof readableTables>;

/** The configuration with defaults filled in and units read; names are those of the file. */
export type Config = z.output<typeof schema>;
export type ListenerConfig = Config['listener'][number];
export type NetworkConfig = Config['network'][number];
export type PbxConfig = Config['pbx'][number];
export type TrunkConfig = Config['trunk'][number];
export type UserConfig = Config['user'][number];
