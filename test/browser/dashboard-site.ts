// An SBC with its dashboard, an administrator of it, and phones that call through it.
import { systemClock } from '../../src/core/clock.ts';
import { systemRandom } from '../../src/core/random.ts';
import { codeAt } from '../../src/policy/totp.ts';
import { openState } from '../../src/store/sqlite/state.ts';
import { type LoopbackOptions, LoopbackSite } from '../support/loopback-site.ts';

export const password = 'Correct-Horse-2026!';
const secret = Buffer.from('12345678901234567890');
const step = 30_000;

export interface Credentials {
  readonly name: string;
  readonly password: string;
  readonly code: string;
}

export class DashboardSite {
  readonly site: LoopbackSite;
  readonly origin: string;
  readonly #state: ReturnType<typeof openState>;
  /** The step of the last code of each account: no code is taken twice, and that of the step after the present one is taken too. */
  readonly #steps = new Map<string, number>();

  private constructor(site: LoopbackSite, origin: string) {
    this.site = site;
    this.origin = origin;
    this.#state = openState(site.stateDirectory, { clock: systemClock, random: systemRandom });
  }

  static async start(options: Partial<LoopbackOptions> & { readonly tls?: boolean } = {}): Promise<DashboardSite> {
    const { tls = false, admin = '', ...more } = options;
    const certificate = tls ? 'certificate = "edge.crt"\nkey = "edge.key"\n' : '';
    const web = `[admin.web]\naddress = "127.0.0.1:0"\n${certificate}${admin}`;
    const site = await LoopbackSite.start({ users: ['alice', 'bob'], ...more, admin: web });
    const port = site.sbc.dashboard?.port ?? 0;
    const made = new DashboardSite(site, `${tls ? 'https' : 'http'}://127.0.0.1:${port}`);
    await made.#state.admins.add('carol', password, secret);
    await made.#state.admins.add('dave', password, secret, 'viewer');
    return made;
  }

  /** Of one sign-in. */
  credentials(name = 'carol'): Credentials {
    const now = Math.floor(systemClock.wall() / step);
    const counter = Math.max(now, (this.#steps.get(name) ?? 0) + 1);
    this.#steps.set(name, counter);
    return { name, password, code: codeAt(secret, counter) };
  }

  /** What operators did, the newest first: who, what, to whom. */
  get audit(): readonly string[] {
    return this.#state.audit
      .list(0, 100)
      .map(({ actor, action, subject, detail }) => `${actor}: ${action} ${subject} ${detail}`.trim());
  }

  get admins(): ReturnType<typeof openState>['admins'] {
    return this.#state.admins;
  }

  async close(): Promise<void> {
    this.#state.close();
    await this.site.close();
    this.site.remove();
  }
}
