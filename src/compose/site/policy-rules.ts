// Rules, limits and hours as the configuration says them, for policy. Users are named with or without their domain.
import type { Config } from '../../config/schema.ts';
import { SbcError } from '../../core/errors.ts';
import { parseOpenSpans } from '../../core/weekly-hours.ts';
import type { CallLimit } from '../../policy/call-limit.ts';
import type { CallingHours, HoursCondition } from '../../policy/calling-hours.ts';
import type { PolicyRules } from '../../policy/policy-engine.ts';
import type { Selector } from '../../policy/selector.ts';
import { ZoneClock } from './zone-clock.ts';

/** Throws SbcError `hours` or `zone-unknown`. */
export function policyRules(config: Config): PolicyRules {
  const schedules = schedulesOf(config);
  const zones = new ZoneClock();
  for (const { zone } of [...config.hours, ...config.limit]) zones.localTime(zone, 0);
  return {
    rules: config.rule.map((rule) => ({
      name: rule.name,
      action: rule.action,
      selector: selectorOf(rule, config),
      hours: conditionOf(rule, schedules),
    })),
    limits: config.limit.map((limit) => limitOf(limit, config)),
  };
}

/** When a rule or route speaks; undefined: always. */
export function conditionOf(
  { hours, when }: { readonly hours?: string | undefined; readonly when: HoursCondition['when'] },
  schedules: ReadonlyMap<string, CallingHours>,
): HoursCondition | undefined {
  const schedule = hours === undefined ? undefined : schedules.get(hours);
  return schedule === undefined ? undefined : { schedule, when };
}

/** Hours by their names. Throws SbcError `hours`. */
export function schedulesOf(config: Config): ReadonlyMap<string, CallingHours> {
  return new Map(config.hours.map((one) => [one.name, hoursOf(one)]));
}

function limitOf(limit: Config['limit'][number], config: Config): CallLimit {
  const { minutes_per_day: day, minutes_per_month: month } = limit;
  return {
    name: limit.name,
    per: limit.per,
    selector: selectorOf(limit, config),
    concurrentCalls: limit.concurrent_calls,
    callsPerMinute: limit.calls_per_minute,
    dailyTime: day === undefined ? undefined : day * 60_000,
    monthlyTime: month === undefined ? undefined : month * 60_000,
    maxCallDuration: limit.max_call_duration,
    zone: limit.zone,
  };
}

function hoursOf({ name, zone, open, holidays }: Config['hours'][number]): CallingHours {
  const spans = open.flatMap((text) => {
    const parsed = parseOpenSpans(text);
    if (parsed !== undefined) return parsed;
    throw new SbcError('hours', `hours ${name}: expected a span such as "mon-fri 08:00-18:00", got "${text}"`, {
      name,
    });
  });
  return { name, zone, open: spans, holidays: new Set(holidays) };
}

function selectorOf(entry: Config['rule'][number] | Config['limit'][number], { domain }: Config): Selector {
  const { users, groups, trunks, to, countries, classes, caller_ids: callerIds, direction } = entry;
  const home = domain[0]?.name ?? '';
  const aors = users.map((user) => (user.includes('@') ? user : `${user}@${home}`));
  return { users: aors, groups, trunks, to, countries, classes, callerIds, direction };
}
