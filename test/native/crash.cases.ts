// A hundred calls with audio both ways, and a process that is killed twice under them: beside one that stands by, and alone.
import { setTimeout as pause } from 'node:timers/promises';
import { CallRefused, type Phone } from '../support/phone.ts';
import type { PhoneCall } from '../support/phone-call.ts';
import { check, checkEqual, type NativeCase } from './case.ts';
import { RunningCalls } from './support/running-calls.ts';
import { password, ServedSite } from './support/served-site.ts';

/** Of each user, which is its cap. */
const callsEach = 5;
const toEcho = ['e1', 'e2', 'e3', 'e4', 'e5', 'e6', 'e7', 'e8', 'e9', 'e10', 'e11', 'e12'];
/** Who calls whom; each of these calls is two of the SBC, with the PBX between them. */
const pairs = [
  ['a1', 'b1'],
  ['a2', 'b2'],
  ['a3', 'b3'],
  ['a4', 'b4'],
] as const;
const calls = callsEach * (toEcho.length + 2 * pairs.length);
/** Between two packets of a call, in milliseconds: a machine that does much else has to carry 100 calls and their phones. */
const packetTime = 60;
/** The call that ends by itself. */
const longestCall = 45_000;
/** From when the next process is ready until every call is heard, on a machine with more work than cores: 0.2 to 2.2 s at a load average of 14 to 20. */
const longestSilence = 5_000;
/** Between what a phone and what the SBC take for the end of a call; that of limited duration may be due while nobody serves. */
const timeOff = 10_000;

export const cases: readonly NativeCase[] = [
  {
    name: 'a hundred calls outlive a kill, and another one: audio, BYE from both sides, caps, the longest duration, a record each',
    limitMs: 240_000,
    run: async () => {
      const site = await ServedSite.start({
        users: [...toEcho, ...pairs.flat()],
        mediaPorts: 1_200,
        // All phones stand at one address, and dial as fast as they are answered.
        limits: `concurrent_calls = ${callsEach}\nsource_requests_per_second = 100000`,
        more: `[[user]]\nname = "timed"\npassword = "${password}"\nmax_call_duration = "${longestCall}ms"\n`,
      });
      try {
        await new Crash(site).run();
      } catch (thrown) {
        for (const line of site.log.slice(-100)) console.log(JSON.stringify(line));
        throw thrown;
      } finally {
        await site.close();
      }
    },
  },
];

interface Talk {
  /** The user who pays, as its record names it. */
  readonly caller: string;
  readonly ends: readonly PhoneCall[];
  readonly answeredAt: number;
}

class Crash {
  readonly #site: ServedSite;
  readonly #running = new RunningCalls(packetTime);
  /** The call that ends by itself: it may do so whenever. */
  readonly #aside = new RunningCalls(packetTime);
  readonly #phones = new Map<string, Phone>();
  readonly #talks: Talk[] = [];
  /** By caller, what each of its calls took. */
  readonly #durations = new Map<string, number[]>();

  constructor(site: ServedSite) {
    this.#site = site;
  }

  async run(): Promise<void> {
    try {
      await this.#begin();
      const timed = await this.#dial('timed', '600', this.#aside);
      await this.#site.until('spare-ready');
      // What is kept of a call is a second old at most.
      await pause(1_100);
      await this.#kill('beside one that stands by');
      await this.#register();
      await this.#capsHold();
      await this.#hangUp(this.#talks.filter((_, index) => index % 3 === 0));
      await pause(1_100);
      await this.#kill('alone');
      await this.#register();
      await this.#timedOut(timed);
      await this.#hangUp(this.#talks);
      await this.#records();
    } finally {
      this.#running.stop();
      this.#aside.stop();
    }
  }

  async #begin(): Promise<void> {
    for (const name of [...toEcho, ...pairs.flat(), 'timed']) this.#phones.set(name, await this.#site.phone(name));
    await this.#register();
    const echoes = toEcho.flatMap((name) => Array.from({ length: callsEach }, () => [name, '600'] as const));
    const crossing = pairs.flatMap(([from, to]) => Array.from({ length: callsEach }, () => [from, to] as const));
    for (const [from, to] of [...echoes, ...crossing]) this.#talks.push(await this.#dial(from, to));
    checkEqual(await this.#site.activeCalls(), calls, 'calls at first');
  }

  async #register(): Promise<void> {
    const registered = async (phone: Phone): Promise<number> => {
      let status = await phone.register();
      // Right after a start it may be busy: a phone comes again.
      for (let tries = 0; status === 503 && tries < 10; tries += 1) {
        await pause(1_000);
        status = await phone.register();
      }
      return status;
    };
    const statuses = await Promise.all([...this.#phones.values()].map(registered));
    checkEqual(
      statuses.filter((status) => status !== 200),
      [],
      'registrations that were refused',
    );
  }

  async #dial(from: string, to: string, running = this.#running): Promise<Talk> {
    const dialling = this.#phone(from).call(to);
    const called = this.#phones.get(to);
    const callee = called === undefined ? [] : [await (await called.nextCall()).answer()];
    const ends = [await dialling.answered, ...callee];
    for (const end of ends) running.add(end);
    return { caller: from, ends, answeredAt: performance.now() };
  }

  async #kill(how: string): Promise<void> {
    const site = this.#site;
    const { process: serving } = await site.status();
    const from = site.log.length;
    process.kill(serving, 'SIGKILL');
    const killedAt = performance.now();
    const ready = site.until('process-ready', from).then(() => performance.now() - killedAt);
    const gap = await this.#running.gapWhile(ready);
    const readyAfter = await ready;
    console.log(
      `killed ${how}: ready after ${Math.round(readyAfter)} ms, no call silent for more than ${Math.round(gap)} ms`,
    );
    check(gap - readyAfter < longestSilence, `silent for ${gap} ms, ready after ${readyAfter} ms`);
    checkEqual(this.#running.lost, 0, 'calls that were lost');
    const { unusable, reused, ssrcs } = this.#running.spoilt;
    checkEqual([unusable, reused, ssrcs], [0, 0, 1], 'packets without use, indices that came twice, sources of a call');
    const inPairs = this.#talks.filter(({ ends }) => ends.length > 1).length;
    checkEqual((await site.status()).activeCalls, this.#talks.length + inPairs + (1 - this.#aside.lost), 'calls');
  }

  /** Who has as many calls as he may gets no other one, as before. */
  async #capsHold(): Promise<void> {
    for (const name of [toEcho[0] ?? '', pairs[0][0]]) {
      const refused = await this.#phone(name)
        .call('600')
        .answered.catch((thrown: unknown) => thrown);
      check(refused instanceof CallRefused && refused.status === 486, `a call beyond the cap: ${String(refused)}`);
    }
  }

  /** By the one side and by the other in turn. */
  async #hangUp(talks: readonly Talk[]): Promise<void> {
    for (const [index, talk] of [...talks].entries()) {
      const { caller, ends, answeredAt } = talk;
      const [first, ...others] = index % 2 === 0 ? ends : ends.toReversed();
      for (const end of ends) this.#running.remove(end);
      // A BYE in the call is on its way when this returns.
      void first?.hangUp();
      const took = performance.now() - answeredAt;
      for (const end of others) checkEqual((await end.ended).cause, 'bye', 'end at the other side');
      const all = this.#durations.get(caller) ?? [];
      this.#durations.set(caller, [...all, took]);
      this.#talks.splice(this.#talks.indexOf(talk), 1);
    }
  }

  async #timedOut({ caller, ends }: Talk): Promise<void> {
    const [end] = ends;
    checkEqual((await end?.ended)?.cause, 'bye', 'how the call of limited duration ended');
    this.#durations.set(caller, [longestCall]);
  }

  async #records(): Promise<void> {
    const site = this.#site;
    for (const end = performance.now() + 20_000; (await site.status()).activeCalls > 0; ) {
      check(performance.now() < end, 'calls are left');
      await pause(100);
    }
    checkEqual(await site.stop(), 0, 'exit code');
    const records = site.records();
    const causes = Map.groupBy(records, ({ cause }) => String(cause));
    const { length: inPairs } = pairs;
    const hungUp = (causes.get('caller-hung-up')?.length ?? 0) + (causes.get('callee-hung-up')?.length ?? 0);
    checkEqual(
      [hungUp, causes.get('refused')?.length, causes.get('duration-limit')?.length, records.length],
      [callsEach * (toEcho.length + 2 * inPairs), 2, 1, calls + 3],
      'records: hung up, refused, of limited duration, all',
    );
    checkEqual(new Set(records.map(({ call }) => call)).size, records.length, 'calls that have a record');
    check((causes.get('callee-hung-up')?.length ?? 0) > 0, 'no call was ended from the other side');
    for (const [caller, took] of this.#durations) {
      const kept = records.filter((one) => one['caller'] === `user:${caller}@pbx.test` && one['cause'] !== 'refused');
      const durations = kept.map(({ duration }) => 1_000 * Number(duration)).toSorted((a, b) => a - b);
      const pairsOf = took.toSorted((a, b) => a - b).map((one, at) => Math.abs(one - (durations[at] ?? Number.NaN)));
      check(
        pairsOf.length === durations.length && pairsOf.every((off) => off < timeOff),
        `durations of ${caller}: ${took.join(', ')} at the phone, ${durations.join(', ')} in the records`,
      );
    }
  }

  #phone(name: string): Phone {
    const phone = this.#phones.get(name);
    if (phone === undefined) throw new Error(`there is no phone of ${name}`);
    return phone;
  }
}
