// The site that most cases play on: Portcullis between an outside network with TLS phones and an inside one with the PBX.
import type { CaseContext } from './case.ts';
import { Baresip, type BaresipOptions } from './peers/baresip.ts';
import { Capture } from './peers/capture.ts';
import { CertificateAuthority } from './peers/certificates.ts';
import { CARRIER_UDP_PORT } from './peers/kamailio-carrier.ts';
import { PBX_PORT, startKamailioPbx } from './peers/kamailio-pbx.ts';
import type { Host } from './peers/lab.ts';
import type { PeerProcess } from './peers/peer-process.ts';
import {
  type Leftovers,
  PORTCULLIS_TLS_PORT,
  PORTCULLIS_UDP_PORT,
  Portcullis,
  type PortcullisOptions,
} from './peers/portcullis.ts';
import { SdpPhone } from './peers/sdp-phone.ts';
import { SippCaller, type SippScenario, type SippUser, startSippAnswerer } from './peers/sipp.ts';
import { baresipGreetings, judgeWire, type WireReport } from './peers/wire-check.ts';

export const DOMAIN = 'pbx.test';
/** Number of the PBX that SIPp answers. */
const ANSWERED_NUMBER = '9000';

type SiteOptions = Omit<Partial<PortcullisOptions>, 'host' | 'pbx' | 'domain' | 'users'> & {
  readonly users?: Readonly<Record<string, string>>;
  /** Where Portcullis runs, when it is there already: number 1 on both networks. */
  readonly edge?: Host;
  /** Numbers of the PBX that SIPp answers in its own way; where there are two scenarios, the PBX calls both at once. */
  readonly answerers?: Readonly<Record<string, readonly SippText[]>> | undefined;
};

interface Pbx {
  readonly host: Host;
  readonly start: () => Promise<PeerProcess>;
  process: PeerProcess;
}

interface SippText {
  readonly xml: string;
  readonly hasPrefixes?: boolean;
}

export class Site {
  #sbc: Portcullis;
  readonly #context: CaseContext;
  readonly #options: PortcullisOptions;
  readonly #authority: CertificateAuthority;
  readonly #edge: Host;
  readonly #pbx: Pbx;
  readonly #phones: { stop(): unknown }[] = [];
  #hosts = 0;

  private constructor(context: CaseContext, sbc: Portcullis, options: PortcullisOptions, pbx: Pbx) {
    this.#context = context;
    this.#sbc = sbc;
    this.#options = options;
    this.#authority = options.authority;
    this.#edge = options.host;
    this.#pbx = pbx;
  }

  get sbc(): Portcullis {
    return this.#sbc;
  }

  /** Starts the PBX and Portcullis; `users` are Portcullis's, and the PBX sends calls for them back to it. */
  static async open(context: CaseContext, options: SiteOptions = {}): Promise<Site> {
    const { lab, defer } = context;
    const users = options.users ?? { alice: 'wonder', bob: 'builder' };
    const authority = options.authority ?? (await CertificateAuthority.create(lab));
    const edge = options.edge ?? (await lab.addHost('sbc', 1, ['outside', 'inside']));
    const pbx = await lab.addHost('pbx', 5, ['inside']);
    const answerer = await lab.addHost('answerer', 6, ['inside']);
    const own = await startAnswerers(context, answerer, options.answerers ?? {});
    const start = () =>
      startKamailioPbx(lab, {
        host: pbx,
        sbc: `${edge.inside}:${PORTCULLIS_UDP_PORT}`,
        // Where registrations are forwarded, the PBX knows of itself who is behind the SBC.
        sbcUsers: options.registrations === 'forward' ? [] : Object.keys(users),
        domain: DOMAIN,
        contacts: { [ANSWERED_NUMBER]: `sip:${ANSWERED_NUMBER}@${answerer.inside}:5070`, ...own },
      });
    const kamailio: Pbx = { host: pbx, start, process: await start() };
    defer(() => kamailio.process.stop());
    const answering = await startSippAnswerer(lab, {
      name: 'sipp-answerer',
      host: answerer,
      network: 'inside',
      port: 5070,
      echo: true,
    });
    defer(() => answering.stop());
    const whole: PortcullisOptions = {
      ...options,
      users,
      host: edge,
      authority,
      domain: DOMAIN,
      pbx: { address: pbx.inside, port: PBX_PORT },
    };
    const site = new Site(context, await Portcullis.start(lab, whole), whole, kamailio);
    defer(() => site.sbc.process.stop());
    return site;
  }

  /** Ends Portcullis and starts it with some settings changed. */
  async restart(changes: SiteOptions): Promise<void> {
    await this.#sbc.stop();
    this.#sbc = await Portcullis.start(this.#context.lab, { ...this.#options, ...changes });
  }

  /** What the PBX has written, over all its restarts. */
  pbxLog(): string {
    return this.#pbx.process.log();
  }

  /** Ends the PBX and starts it; it has kept nothing. */
  async restartPbx(): Promise<void> {
    await this.#pbx.process.stop();
    this.#pbx.process = await this.#pbx.start();
  }

  /** A phone outside: TLS, SRTP mandatory, digest; registered at Portcullis. */
  async phone(user: string, password: string, more: Partial<BaresipOptions> = {}): Promise<Baresip> {
    return this.#start({
      host: await this.#host(user, 'outside'),
      network: 'outside',
      user,
      password,
      domain: DOMAIN,
      proxy: {
        address: this.#options.ipv6 === true ? this.#edge.outside6 : this.#edge.outside,
        port: PORTCULLIS_TLS_PORT,
        transport: 'tls',
      },
      authority: this.#authority.certificate,
      media: 'srtp-mand',
      ...more,
    });
  }

  /** A phone inside: UDP and plain RTP; registered at the PBX. */
  async pbxPhone(user: string, more: Partial<BaresipOptions> = {}): Promise<Baresip> {
    return this.#start({
      host: await this.#host(user, 'inside'),
      network: 'inside',
      user,
      domain: DOMAIN,
      proxy: { address: this.#pbx.host.inside, port: PBX_PORT, transport: 'udp' },
      media: 'plain',
      ...more,
    });
  }

  /** A phone of a carrier outside: SIP over UDP, for which a carrier has reasons of its own, and SRTP. */
  async carrierPhone(user: string, carrier: Host): Promise<Baresip> {
    return this.#start({
      host: await this.#host(user, 'outside'),
      network: 'outside',
      user,
      domain: 'carrier.test',
      proxy: { address: carrier.outside, port: CARRIER_UDP_PORT, transport: 'udp' },
      media: 'srtp-mand',
    });
  }

  /** A phone outside whose media is elsewhere; it speaks from `address`, one of the lab's own, and is registered. */
  async sdpPhone(user: string, password: string, address: string): Promise<SdpPhone> {
    const { outside: sbc } = this.#edge;
    const authority = this.#authority.certificate;
    const phone = await SdpPhone.start({ user, password, domain: DOMAIN, address, sbc, authority });
    this.#phones.push(phone);
    this.#context.defer(() => phone.stop());
    return phone;
  }

  /** SIPp outside, over TLS; its calls go to the PBX's answered number, or to `callee`. */
  async caller(
    scenario: SippScenario | SippText,
    users: readonly Omit<SippUser, 'callee'>[],
    options: {
      calls: number;
      rate: number;
      holdMs: number;
      connectionPerCall?: boolean;
      extra?: readonly string[];
      host?: Host;
      callee?: string;
    },
  ): Promise<SippCaller> {
    const { callee = ANSWERED_NUMBER } = options;
    const name = `sipp-${typeof scenario === 'string' ? scenario : callee.replace('+', '')}-${this.#hosts}`;
    const certificate = await this.#authority.issue({ name, key: 'ec' });
    return SippCaller.start(this.#context.lab, {
      name,
      host: options.host ?? (await this.#host('sipp', 'outside')),
      network: 'outside',
      scenario,
      target: { address: this.#edge.outside, port: PORTCULLIS_TLS_PORT },
      transport: 'tls',
      tls: { certificate, authority: this.#authority.certificate },
      users: users.map((user) => ({ ...user, callee })),
      domain: DOMAIN,
      timeoutMs: 30_000,
      ...options,
    });
  }

  /** Records the outside until the answered function is called, which judges what was on the wire. */
  async watchOutside(): Promise<() => Promise<WireReport>> {
    const capture = await Capture.start(this.#context.lab, 'outside');
    return async () => judgeWire(await capture.stop(), baresipGreetings(this.#edge.outside));
  }

  /** Ends the phones, waits until nothing is left in Portcullis but transactions that wait for copies, and sees it end well. */
  async close(leftovers: Leftovers = {}): Promise<void> {
    await Promise.all(this.#phones.splice(0).map((phone) => phone.stop()));
    await this.#sbc.expectIdle({ lingering: true, ...leftovers });
    await this.#sbc.stop();
  }

  async #start(options: BaresipOptions): Promise<Baresip> {
    const phone = await Baresip.start(this.#context.lab, options);
    this.#phones.push(phone);
    this.#context.defer(() => phone.stop());
    return phone;
  }

  async #host(name: string, network: 'outside' | 'inside'): Promise<Host> {
    this.#hosts += 1;
    return this.#context.lab.addHost(`${name}${this.#hosts}`, 20 + this.#hosts, [network]);
  }
}

/** One SIPp for each scenario, from port 5080 on; answers the contacts of their numbers. */
async function startAnswerers(
  { lab, defer }: CaseContext,
  host: Host,
  answerers: Readonly<Record<string, readonly SippText[]>>,
): Promise<Record<string, string | readonly [string, string]>> {
  const contacts: Record<string, string | readonly [string, string]> = {};
  let port = 5_080;
  for (const [number, scenarios] of Object.entries(answerers)) {
    const uris: string[] = [];
    for (const text of scenarios) {
      const name = `sipp-${number}-${port}`;
      const mediaPort = 12_000 + port; // even, and apart from one another
      const { hasPrefixes } = text;
      const parts = { name, host, network: 'inside', port, scenario: text, mediaPort, hasPrefixes } as const;
      const peer = await startSippAnswerer(lab, parts);
      defer(() => peer.stop());
      uris.push(`sip:${number}@${host.inside}:${port}`);
      port += 2;
    }
    const [first = '', second] = uris;
    contacts[number] = second === undefined ? first : [first, second];
  }
  return contacts;
}
