// Rounds of calls whose SBC is killed or upgraded at random moments. After each round every call that a phone has goes on, the SBC has no other
// one, caps are what they were, and no call has two records.
import { systemClock } from '../../../src/core/clock.ts';
import type { Random } from '../../../src/core/random.ts';
import { CallRefused, type Phone } from '../../support/phone.ts';
import type { PhoneCall } from '../../support/phone-call.ts';
import { check, checkEqual } from '../case.ts';
import { ServedSite } from './served-site.ts';

export interface SurviveSoak {
  readonly rounds: number;
  /** Running calls, a few for each user. */
  readonly calls: number;
  readonly random: Random;
}

export interface SurviveOutcome {
  readonly kills: number;
  readonly upgrades: number;
  readonly failedUpgrades: number;
  readonly dialled: number;
  readonly records: number;
  /** Calls that were being set up when something happened to the SBC, and came to nothing. */
  readonly unanswered: number;
  /** Calls that were answered a moment before a kill, too late to be kept. */
  readonly unkept: number;
}

const callsPerUser = 5;
/** Between two packets of a call, in milliseconds: enough to hear that it goes on. */
const pace = 100;
/** A call that only the SBC knows ends by this. */
const mediaTimeout = 5_000;
const mishaps = ['kill', 'kill', 'upgrade', 'upgrade', 'kill-successor', 'kill-predecessor'] as const;

export async function surviveSoak(
  { rounds, calls, random }: SurviveSoak,
  tell: (line: string) => void,
): Promise<SurviveOutcome> {
  const users = Array.from({ length: Math.ceil(calls / callsPerUser) }, (_, index) => `user${index + 1}`);
  const site = await ServedSite.start({
    users,
    mediaPorts: 1_000,
    media: `timeout = "${mediaTimeout}ms"`,
    limits: `concurrent_calls = ${callsPerUser}`,
  });
  const soak = new Soak(site, random, tell);
  try {
    await soak.begin(users);
    for (let round = 1; round <= rounds; round += 1) tell(`round ${round}: ${await soak.round()}`);
    return await soak.end();
  } catch (thrown) {
    for (const line of site.log.slice(-200)) tell(JSON.stringify(line));
    throw thrown;
  } finally {
    soak.stop();
    await site.close();
  }
}

interface User {
  readonly phone: Phone;
  readonly calls: Set<PhoneCall>;
}

class Soak {
  readonly #site: ServedSite;
  readonly #random: Random;
  readonly #tell: (line: string) => void;
  readonly #users: User[] = [];
  readonly #talking: NodeJS.Timeout;
  #dialled = 0;
  #unanswered = 0;
  #unkept = 0;
  /** When each call was answered. */
  readonly #answeredAt = new WeakMap<PhoneCall, number>();
  #killedAt = 0;
  /** When calls ended that the SBC need not have kept before. */
  #endedAt: number[] = [];
  /** Calls that ended in the last second before a kill: it may have taken their records. */
  #unrecorded = 0;
  #counts = { kills: 0, upgrades: 0, failedUpgrades: 0 };

  constructor(site: ServedSite, random: Random, tell: (line: string) => void) {
    this.#site = site;
    this.#tell = tell;
    this.#random = random;
    this.#talking = setInterval(() => {
      for (const call of this.#all) call.media.sendPacket();
    }, pace);
  }

  async begin(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const phone = await this.#site.phone(name);
      checkEqual(await phone.register(), 200, `registration of ${name}`);
      this.#users.push({ phone, calls: new Set() });
    }
    await this.#fill();
  }

  /** What happened, for the log. */
  async round(): Promise<string> {
    const mishap = mishaps[this.#random.below(mishaps.length)] ?? 'kill';
    const start = systemClock.now();
    // Somebody dials at that very moment; what becomes of that is known afterwards.
    const dialling = this.#random.below(2) === 0 ? this.#dialAtTheMoment() : undefined;
    await pause(this.#random.below(600));
    await this.#happen(mishap);
    await dialling;
    const took = Math.round(systemClock.now() - start);
    if (mishap === 'kill' || mishap === 'kill-predecessor') await this.#forgetUnkept();
    await this.#heardAgain(mishap);
    for (const { phone } of this.#users) {
      // What was on its way over a connection that ended with its process is lost, and a phone that saw it end says it again.
      const status = await phone.register().catch(() => phone.register());
      checkEqual(status, 200, `registration after ${mishap}`);
    }
    await this.#sameCalls(mishap);
    await this.#capsHold(mishap);
    await this.#hangUpSome();
    await this.#fill();
    this.#recordsOnce(mishap);
    return `${mishap}, ${this.#all.length} calls, ${took} ms`;
  }

  async end(): Promise<SurviveOutcome> {
    for (const user of this.#users) for (const call of [...user.calls]) await this.#hangUp(user, call);
    await this.#until(async () => (await this.#site.activeCalls()) === 0, 'calls are left at the end');
    checkEqual(await this.#site.stop(), 0, 'exit code');
    const { records } = this.#recordsOnce('the end');
    check(records <= this.#dialled, `${records} records of ${this.#dialled} calls`);
    const uncertain = this.#unanswered + this.#unkept + this.#unrecorded;
    check(records >= this.#dialled - uncertain, `${records} records of ${this.#dialled} calls, ${uncertain} uncertain`);
    return { ...this.#counts, dialled: this.#dialled, records, unanswered: this.#unanswered, unkept: this.#unkept };
  }

  stop(): void {
    clearInterval(this.#talking);
  }

  get #all(): readonly PhoneCall[] {
    return this.#users.flatMap(({ calls }) => [...calls]);
  }

  async #happen(mishap: (typeof mishaps)[number]): Promise<void> {
    const site = this.#site;
    const from = site.log.length;
    const { process: serving } = await site.status();
    if (mishap === 'kill') {
      this.#kill(serving);
      await site.until('process-ready', from);
      this.#counts.kills += 1;
      return;
    }
    site.process.kill('SIGUSR2');
    const { successor } = await site.until('upgrade-started', from);
    if (mishap === 'upgrade') {
      await site.until('upgraded', from);
      this.#counts.upgrades += 1;
      return;
    }
    await pause(this.#random.below(4_000));
    const victim = mishap === 'kill-successor' ? Number(successor) : serving;
    if (isThere(victim)) this.#kill(victim);
    // Whoever was to go on, and whatever had come before: somebody serves in the end.
    await this.#until(async () => {
      const answer = await site.admin.status();
      return (
        answer.ok && answer.value.state === 'ready' && isThere(answer.value.process) && answer.value.process !== victim
      );
    }, `nobody serves after ${mishap}`);
    this.#counts.failedUpgrades += 1;
  }

  async #dialAtTheMoment(): Promise<void> {
    const user = this.#users.find(({ calls }) => calls.size < callsPerUser) ?? this.#users[0];
    if (user === undefined || user.calls.size >= callsPerUser) return;
    await pause(this.#random.below(600));
    await this.#dial(user, true);
  }

  /** False when nobody answered, which `mayFail` allows. */
  async #dial(user: User, mayFail: boolean): Promise<boolean> {
    this.#dialled += 1;
    const { answered } = user.phone.call('600');
    try {
      const call = await Promise.race([answered, pause(20_000)]);
      if (call === undefined) throw new Error('no answer within 20 s');
      user.calls.add(call);
      this.#answeredAt.set(call, systemClock.now());
      void call.ended.then(() => user.calls.delete(call));
      return true;
    } catch (thrown) {
      if (!mayFail) throw thrown;
      this.#unanswered += 1;
      return false;
    }
  }

  async #fill(): Promise<void> {
    for (const user of this.#users) {
      // Room for one that dials in a bad moment is left now and then.
      const wanted = callsPerUser - (this.#random.below(3) === 0 ? 1 : 0);
      while (user.calls.size < wanted) await this.#dial(user, false);
    }
  }

  #kill(victim: number): void {
    this.#killedAt = systemClock.now();
    process.kill(victim, 'SIGKILL');
    this.#unrecorded += this.#endedAt.filter((at) => at >= this.#killedAt - mostLost).length;
    this.#endedAt = [];
  }

  /** A kill takes the last second of changes at most: a call that was answered in it may be gone, an older one may not. */
  async #forgetUnkept(): Promise<void> {
    const since = this.#killedAt - mostLost;
    const forgetSilent = async (user: User, call: PhoneCall): Promise<void> => {
      const before = call.heard.packets;
      const isHeard = async (): Promise<boolean> => call.heard.packets > before || !user.calls.has(call);
      await this.#until(isHeard, 'it is not heard').catch(() => {
        this.#unkept += 1;
        user.calls.delete(call);
        void call.hangUp();
      });
    };
    const answeredSince = (call: PhoneCall): boolean => (this.#answeredAt.get(call) ?? 0) >= since;
    await Promise.all(
      this.#users.flatMap((user) => [...user.calls].filter(answeredSince).map((call) => forgetSilent(user, call))),
    );
  }

  async #heardAgain(mishap: string): Promise<void> {
    const before = new Map(this.#all.map((call) => [call, call.heard.packets]));
    const isHeard = async (): Promise<boolean> =>
      [...before].every(([call, packets]) => !this.#all.includes(call) || call.heard.packets > packets);
    await this.#until(isHeard, `a call is not heard after ${mishap}`).catch(async (thrown: unknown) => {
      const silent = [...before].filter(([call, packets]) => call.heard.packets <= packets);
      for (const [{ heard, media }] of silent) this.#tell(`silent: ${JSON.stringify({ heard, sent: media.sent })}`);
      await this.#tellMedia();
      throw thrown;
    });
    const lost = [...before.keys()].filter((call) => !this.#all.includes(call));
    checkEqual(lost.length, 0, `calls that ended by ${mishap}`);
    const unusable = this.#all.reduce((sum, { heard }) => sum + heard.unusable, 0);
    checkEqual(unusable, 0, `packets that could not be used, after ${mishap}`);
  }

  /** What the SBC counted of every call: which leg of which one received nothing, and what was dropped. */
  async #tellMedia(): Promise<void> {
    const listed = await this.#site.admin.calls();
    for (const { id } of listed.ok ? listed.value : []) {
      const detail = await this.#site.admin.call(id);
      this.#tell(`${id}: ${JSON.stringify(detail.ok ? detail.value.media : detail.error)}`);
    }
  }

  /** A call that was answered in the very moment may be known to the SBC alone: its silence ends it. */
  async #sameCalls(mishap: string): Promise<void> {
    const isSame = async (): Promise<boolean> => {
      const { activeCalls, mediaWorkers } = await this.#site.status();
      const sessions = mediaWorkers.reduce((sum, worker) => sum + worker.sessions, 0);
      return activeCalls === this.#all.length && sessions === activeCalls;
    };
    await this.#until(isSame, `the SBC has other calls than the phones, after ${mishap}`);
  }

  /** Who has as many calls as he may gets no other one; who has fewer does. */
  async #capsHold(mishap: string): Promise<void> {
    const full = this.#users.find(({ calls }) => calls.size === callsPerUser);
    if (full !== undefined) {
      this.#dialled += 1;
      const refused = await full.phone.call('600').answered.catch((thrown: unknown) => thrown);
      check(
        refused instanceof CallRefused && refused.status === 486,
        `a call beyond the cap after ${mishap}: ${String(refused)}`,
      );
      this.#endedAt.push(systemClock.now());
    }
    const free = this.#users.find(({ calls }) => calls.size < callsPerUser);
    if (free !== undefined) await this.#dial(free, false);
  }

  async #hangUpSome(): Promise<void> {
    for (let left = 1 + this.#random.below(4); left > 0; left -= 1) {
      const user = this.#users[this.#random.below(this.#users.length)];
      const [call] = user?.calls ?? [];
      if (user !== undefined && call !== undefined) await this.#hangUp(user, call);
    }
  }

  async #hangUp(user: User, call: PhoneCall): Promise<void> {
    await call.hangUp();
    user.calls.delete(call);
    this.#endedAt.push(systemClock.now());
  }

  #recordsOnce(mishap: string): { readonly records: number } {
    const ids = this.#site.records().map(({ call }) => String(call));
    checkEqual(ids.length - new Set(ids).size, 0, `calls with two records, after ${mishap}`);
    return { records: ids.length };
  }

  async #until(isSo: () => Promise<boolean>, otherwise: string): Promise<void> {
    const end = systemClock.now() + patience;
    while (!(await isSo().catch(() => false))) {
      check(systemClock.now() < end, otherwise);
      await pause(50);
    }
  }
}

/** What a kill may take, in milliseconds (docs/operations.md). */
const mostLost = 1_000;
/** The soak looks for what is lost or double, not for how long it takes: on a machine with much else to do a start takes half a minute. */
const patience = 60_000;

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function pause(time: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), time));
}
