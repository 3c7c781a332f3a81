// The dashboard of several processes: the one that serves it asks all of them, itself too, over their admin sockets, and shows what they say as one.
import type { Result } from '../../core/result.ts';
import { type AdminFailure, answered, isNothingSuch } from '../admin-client-exchange.ts';
import type { ProcessesClient } from '../processes-client.ts';
import type { WebOperations } from './web-operations.ts';

type OfAll = Omit<WebOperations, 'version' | 'isReady' | 'isDraining' | 'history' | 'note'>;

/** Each rejects with SbcError where none of them answers. */
export function operationsOfAll(client: ProcessesClient): OfAll {
  return {
    overview: async (query) => answered(await client.overview(query)),
    call: async (id) => found(await client.call(id)),
    trace: async (name, form) => found(await client.trace(name, { form })),
    endCall: async (id, by) => found(await client.endCall(id, by)) !== undefined,
    registrations: async (query) => answered(await client.registrationPage(query)),
    bans: async () => answered(await client.bans()),
    liftBans: async (address, by) => found(await client.liftBans(address, by)) ?? 0,
    recentCalls: async () => answered(await client.recentCalls()),
    alerts: async () => answered(await client.alerts()),
  };
}

/** Undefined where none of them has what was named. */
function found<T>(answer: Result<T, AdminFailure>): T | undefined {
  return !answer.ok && isNothingSuch(answer.error) ? undefined : answered(answer);
}
