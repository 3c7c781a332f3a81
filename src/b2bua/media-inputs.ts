// What a call makes of what its media tells: the end of it, or a line in the log.
import { assertNever } from '../core/assert-never.ts';
import type { Logger } from '../core/logger.ts';
import type { MediaEvent } from '../media/plane/messages.ts';
import type { CallInput } from './call-event.ts';

/** Undefined: the log is all that is told. */
export function mediaInput(event: MediaEvent, logger: Logger): CallInput | undefined {
  switch (event.type) {
    case 'timeout':
      return { type: 'media-timeout' };
    case 'lost':
      return { type: 'media-lost', detail: event.reason };
    case 'keying-failed':
      logger.warn('media-keying-failed', { endpoint: event.endpoint, reason: event.reason });
      return { type: 'keying-failed', detail: event.reason };
    case 'latched':
      logger.info('media-latched', { endpoint: event.endpoint });
      return undefined;
    case 'one-way':
    case 'over-limit':
      logger.warn(`media-${event.type}`, { endpoint: event.endpoint });
      return undefined;
    default:
      return assertNever(event);
  }
}
