// What comes too late for a call: whoever asked for it is not there any more, and it must be given back all the same.
import { Headers } from '../../sip/message/headers.ts';
import type { CallInput, CallOutput } from './call-event.ts';

/** What an answer needs that comes when nobody waits for it any more: slots and ports go back, a session is ended. */
export function lateOutputs(input: CallInput): readonly CallOutput[] {
  switch (input.type) {
    case 'reserved':
      return [{ type: 'release', claims: input.claims }];
    case 'media-opened':
      return [{ type: 'close-endpoints', endpoints: input.endpoints.map((opened) => opened.endpoint) }];
    case 'answered':
      return [
        { type: 'ack', leg: input.leg, body: undefined },
        { type: 'bye', leg: input.leg, headers: Headers.empty },
      ];
    case 'picked-up':
      // The call is answered, or over: the dialog that it names rings no more.
      return [{ type: 'reject-pick-up', status: 481 }];
    case 'reinvited':
      return [{ type: 'reject-reinvite', leg: input.leg, status: 491 }];
    default:
      return [];
  }
}
