// The subscription that a REFER makes (RFC 3515 §2.4.4): NOTIFY tells the referrer how its target answers, and last how it ended.
// It is a usage of its own in the dialog: it outlives a BYE, and when the referrer wants no more of it the call goes on (RFC 5057 §4).
import { formatEvent, formatSubscriptionState } from '../../sip/message/event.ts';
import { Headers } from '../../sip/message/headers.ts';
import { reasonPhrase } from '../../sip/message/status.ts';
import type { Session } from '../../sip/user-agent/session.ts';

/** Longer than anybody lets a phone ring. */
const expires = 180;

export class ReferProgress {
  readonly #session: Pick<Session, 'request'>;
  /** `id` of the event: the CSeq of the REFER, but for the first one of a dialog (§2.4.6). */
  readonly #event: string;
  #state: 'silent' | 'active' | 'over';

  /** `isWanted` false: the referrer asked for no subscription (RFC 4488). */
  constructor(session: Pick<Session, 'request'>, id: number | undefined, isWanted: boolean) {
    this.#session = session;
    this.#event = formatEvent({ package: 'refer', id: id === undefined ? undefined : String(id) });
    this.#state = isWanted ? 'active' : 'silent';
  }

  tell(status: number, isLast: boolean): void {
    if (this.#state !== 'active') return;
    if (isLast) this.#state = 'over';
    const headers = Headers.of(
      ['Event', this.#event],
      [
        'Subscription-State',
        formatSubscriptionState(
          isLast ? { kind: 'terminated', reason: 'noresource', retryAfter: undefined } : { kind: 'active', expires },
        ),
      ],
    );
    const body = {
      contentType: 'message/sipfrag;version=2.0',
      bytes: Buffer.from(`SIP/2.0 ${status} ${reasonPhrase(status)}\r\n`),
    };
    const stop = (): void => {
      this.#state = 'over';
    };
    this.#session.request(
      'NOTIFY',
      { headers, body },
      { onFinal: (response) => void (response.status >= 300 && stop()), onFailed: stop },
    );
  }
}
