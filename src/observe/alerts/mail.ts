// Alerts by e-mail, through an SMTP server of the site.
import type { Transporter } from 'nodemailer';
import type { AlertReceiver } from './alert-delivery.ts';
import type { SpooledNotice } from './alert-spool.ts';

const timeout = 20_000;

export interface MailOptions {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** `tls`: from the first byte; `starttls`: a server that offers none is refused; `none`: in clear. */
  readonly encryption: 'tls' | 'starttls' | 'none';
  readonly login?: { readonly user: string; readonly password: string } | undefined;
  readonly from: string;
  readonly to: readonly string[];
}

export class Mail implements AlertReceiver {
  readonly name: string;
  readonly #options: MailOptions;
  /** Read when it is configured, since another version may be installed when the first message is sent; a site without mail does not read it. */
  readonly #library: Promise<typeof import('nodemailer')>;
  /** Made for the first message. */
  #transport: Promise<Transporter> | undefined;

  constructor(options: MailOptions) {
    this.name = options.name;
    this.#options = options;
    this.#library = import('nodemailer');
    // Who sends something is told.
    this.#library.catch(() => {});
  }

  async deliver({ id, node, severity, kind, text, firstAt, lastAt, count }: SpooledNotice): Promise<void> {
    const { from, to } = this.#options;
    const since = count > 1 ? `${count} times since ${new Date(firstAt).toISOString()}` : 'once';
    this.#transport ??= openTransport(this.#library, this.#options);
    const transport = await this.#transport;
    await transport.sendMail({
      from,
      to: [...to],
      subject: `[${node}] ${severity}: ${text}`.replaceAll(/[\r\n]+/g, ' ').slice(0, 200),
      text: `${text}\n\nnode: ${node}\nkind: ${kind}\nseverity: ${severity}\nlast: ${new Date(lastAt).toISOString()}\n${since}\nid: ${id}\n`,
      headers: { 'X-Portcullis-Alert': id, 'Auto-Submitted': 'auto-generated' },
    });
  }
}

async function openTransport(
  library: Promise<typeof import('nodemailer')>,
  { host, port, encryption, login }: MailOptions,
): Promise<Transporter> {
  const { createTransport } = await library;
  return createTransport({
    host,
    port,
    secure: encryption === 'tls',
    requireTLS: encryption === 'starttls',
    ignoreTLS: encryption === 'none',
    ...(login === undefined ? {} : { auth: { user: login.user, pass: login.password } }),
    connectionTimeout: timeout,
    greetingTimeout: timeout,
    socketTimeout: timeout,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}
