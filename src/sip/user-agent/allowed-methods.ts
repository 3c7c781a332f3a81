// What we can do, as Allow and an answer to OPTIONS tell it (RFC 3261 §11.2, §20.5).
import { reliableTag } from '../dialog/reliable-provisional.ts';
import { type SessionTimerTerms, timerTag } from '../dialog/session-timer.ts';
import { Headers } from '../message/headers.ts';

/** The methods that are served, in or outside a dialog. */
export const allowedMethods = 'INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, OPTIONS, REGISTER';

/** The extensions that a request may require (§8.2.2.3), in lower case. Without `timers` we know nothing of session timers. */
export function supportedExtensions(timers: SessionTimerTerms | undefined): readonly string[] {
  return timers === undefined ? [reliableTag] : [reliableTag, timerTag];
}

/** What a REGISTER may require beside them (RFC 3327 §5.3). */
export const pathTag = 'path';

/** The headers of a 200 to OPTIONS. */
export function capabilities(timers: SessionTimerTerms | undefined): Headers {
  return Headers.of(
    ['Allow', allowedMethods],
    ['Accept', 'application/sdp'],
    ['Accept-Encoding', 'identity'],
    ['Supported', supportedExtensions(timers).join(', ')],
  );
}

/** Methods that have an owner here or above; the owner refuses those that it does not serve with 405. */
export const knownMethods: ReadonlySet<string> = new Set([
  'INVITE',
  'BYE',
  'OPTIONS',
  'REGISTER',
  'MESSAGE',
  'SUBSCRIBE',
  'NOTIFY',
  'PUBLISH',
  'INFO',
  'UPDATE',
  'PRACK',
  'REFER',
]);
