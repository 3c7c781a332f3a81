// Alerts as a POST of JSON, signed so that the receiver knows who sent it and when: the header `Portcullis-Signature` is
// `t=SECONDS,v1=HEX`, HEX being the HMAC-SHA256 of "SECONDS.BODY" under the shared secret.
import { createHmac } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import type { AlertReceiver } from './alert-delivery.ts';
import type { SpooledNotice } from './alert-spool.ts';

const timeout = 10_000;

export interface WebhookOptions {
  readonly name: string;
  readonly url: string;
  readonly secret: string;
  readonly clock: Clock;
}

export class Webhook implements AlertReceiver {
  readonly name: string;
  readonly #options: WebhookOptions;

  constructor(options: WebhookOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Rejects unless the answer is 2xx. Redirects are not followed: the secret's proof is for the configured place. */
  async deliver(notice: SpooledNotice): Promise<void> {
    const { url, secret, clock } = this.#options;
    const body = JSON.stringify(notice);
    const seconds = Math.floor(clock.wall() / 1000);
    const headers = {
      'content-type': 'application/json',
      'portcullis-signature': `t=${seconds},v1=${signature(secret, seconds, body)}`,
    };
    const signal = AbortSignal.timeout(timeout);
    const answer = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal });
    await answer.body?.cancel();
    if (!answer.ok) throw new Error(`answered ${answer.status}`);
  }
}

export function signature(secret: string, seconds: number, body: string): string {
  return createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
}
