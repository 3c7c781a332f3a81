// What a call makes of what its media tells: the end of it, or a line in the log.
import { assertNever } from '../core/assert-never.ts';
import type { Logger } from '../core/logger.ts';
import type { MediaEvent } from '../media/plane/messages.ts';
import type { CallObserver } from './b2bua-parts.ts';
import type { Call } from './call/call.ts';
import type { CallInput } from './call/call-event.ts';
import type { CallMediaHearers } from './call-media.ts';
import type { Party } from './routing/target.ts';

/** Whose media it is, and who is told of it beside the call. */
export interface MediaHearers {
  readonly call: Pick<Call, 'id' | 'leg' | 'history'>;
  readonly logger: Logger;
  readonly observer: Pick<CallObserver, 'onMediaFlood' | 'onOneWayAudio' | 'onCaptured'>;
}

/** What the media of a call tells, as inputs of the call. */
export function mediaHearers(hearers: MediaHearers, feed: (input: CallInput) => void): CallMediaHearers {
  return {
    onEvent: (event) => {
      const input = inputOf(event, hearers);
      if (input !== undefined) feed(input);
    },
    onCaptured: (captures) => hearers.observer.onCaptured(hearers.call.id, captures),
  };
}

/** Undefined: there is nothing for the call to do. */
function inputOf(event: MediaEvent, { call, logger, observer }: MediaHearers): CallInput | undefined {
  switch (event.type) {
    case 'timeout':
      return { type: 'media-timeout' };
    case 'lost':
      return { type: 'media-lost', detail: event.reason };
    case 'failed': {
      const detail = `${event.error.code}: ${event.error.detail}`;
      logger.error('media-failed', { command: event.command, detail });
      return { type: 'media-failed', detail };
    }
    case 'keying-failed':
      logger.warn('media-keying-failed', { endpoint: event.endpoint, reason: event.reason });
      return { type: 'keying-failed', detail: event.reason };
    case 'latched':
      logger.info('media-latched', { endpoint: event.endpoint });
      return undefined;
    case 'one-way': {
      const party = partyAt(call, event.endpoint);
      logger.warn('media-one-way', { endpoint: event.endpoint, party: party?.name });
      observer.onOneWayAudio(call.id, party);
      return undefined;
    }
    case 'over-limit': {
      const party = partyAt(call, event.endpoint);
      logger.warn('media-over-limit', { endpoint: event.endpoint, party: party?.name, ...event.limit });
      observer.onMediaFlood(call.id, party, event.limit);
      return undefined;
    }
    default:
      return assertNever(event);
  }
}

/** Once the call is answered. */
function partyAt(call: MediaHearers['call'], endpoint: number): Party | undefined {
  const caller = call.leg('a');
  if (caller === undefined) return undefined;
  return caller.endpoints.some((opened) => opened?.endpoint === endpoint) ? caller.party : call.history.callee;
}
