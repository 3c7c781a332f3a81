// DNS that says what a test wrote into it, and says it when the test wants.
import type { NaptrRecord, SrvRecord } from '../../src/sip/transport/hop-selection.ts';
import type { AddressRecord, DnsLookup, IpFamily } from '../../src/sip/transport/resolver.ts';

export class FakeDns implements DnsLookup {
  readonly naptrs = new Map<string, readonly NaptrRecord[]>();
  readonly srvs = new Map<string, readonly SrvRecord[]>();
  /** IPv6 addresses have a colon. */
  readonly hosts = new Map<string, readonly string[]>();
  ttlSeconds = 60;
  /** `silent`: nothing is answered until `wake`. `broken`: every question fails. */
  mode: 'prompt' | 'silent' | 'broken' = 'prompt';
  /** `srv _sip._udp.example.com` … in the order of asking. */
  readonly asked: string[] = [];
  #held: (() => void)[] = [];

  naptr(name: string): Promise<readonly NaptrRecord[]> {
    return this.#answer(`naptr ${name}`, () => this.naptrs.get(name));
  }

  srv(name: string): Promise<readonly SrvRecord[]> {
    return this.#answer(`srv ${name}`, () => this.srvs.get(name));
  }

  addresses(name: string, family: IpFamily): Promise<readonly AddressRecord[]> {
    return this.#answer(`a${family} ${name}`, () =>
      this.hosts
        .get(name)
        ?.filter((address) => address.includes(':') === (family === 6))
        .map((address) => ({ address, ttlSeconds: this.ttlSeconds })),
    );
  }

  /** Whoever still waits is answered by what is there now. */
  wake(): void {
    this.mode = 'prompt';
    for (const answer of this.#held.splice(0)) answer();
  }

  async #answer<T>(question: string, find: () => readonly T[] | undefined): Promise<readonly T[]> {
    this.asked.push(question);
    if (this.mode === 'silent') await new Promise<void>((resolve) => this.#held.push(resolve));
    const found = this.mode === 'broken' ? undefined : find();
    if (found === undefined) throw new Error(`no answer to ${question}`);
    return found;
  }
}
