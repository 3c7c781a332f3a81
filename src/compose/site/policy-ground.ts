// What policy stands on beyond a reload: calls by whom they are charged to, what fraud detection holds against whom, zones.
import type { Circumstances } from '../../b2bua/admission/admission-parts.ts';
import { ChargedCalls } from '../../b2bua/admission/charging.ts';
import type { Clock } from '../../core/clock.ts';
import type { AlertSink } from '../../policy/alert.ts';
import type { RestrictionsOn } from '../../policy/restriction.ts';
import type { DeviceDesk } from './device-desk.ts';
import { ZoneClock } from './zone-clock.ts';

export interface PolicyGround {
  readonly charges: ChargedCalls;
  readonly circumstances: Circumstances;
  readonly onAlert: AlertSink;
  readonly devices: DeviceDesk;
  /** Users of the configuration that were locked. */
  readonly locked: Set<string>;
}

export function policyGround(parts: {
  readonly clock: Clock;
  readonly freePorts: () => number;
  /** New calls are refused since the store that nodes share is away; absent: there is none. */
  readonly isStoreLost?: (() => boolean) | undefined;
  readonly restrictions: RestrictionsOn;
  readonly onAlert: AlertSink;
  readonly devices: DeviceDesk;
}): PolicyGround {
  const zones = new ZoneClock();
  return {
    charges: new ChargedCalls(),
    onAlert: parts.onAlert,
    devices: parts.devices,
    locked: new Set(),
    circumstances: {
      now: (at = parts.clock.wall()) => {
        return {
          at,
          localTime: (zone) => zones.localTime(zone, at),
          restrictions: parts.restrictions,
          freePorts: parts.freePorts(),
          isStoreLost: parts.isStoreLost?.() ?? false,
        };
      },
    },
  };
}
