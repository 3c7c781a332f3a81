// What each suite does in a whole run and in a quick one, and how long that takes on two cores of a quiet virtual machine: the sums are
// what `npm run bench` promises. The times of the parts were fitted to kept runs (relay 441 s, signalling 462 s on 2026-11-27).
import type { PhaseSettings } from '../signalling/phases.ts';

export interface StartupPlan {
  readonly runs: number;
  /** From ready until memory is read, once for each kind of site. */
  readonly idleSeconds: number;
  /** A start of each that does not count comes first: it reads its files from the disk. */
  readonly warmsUp: boolean;
}

export interface SurvivePlan {
  /** Starts that are measured. */
  readonly runs: number;
  /** Pairs of turns with and without a store, calls of each, and calls before anything is counted. */
  readonly pairs: number;
  readonly turn: number;
  readonly warmUp: number;
  /** Upgrades with each driver, and kills with and without a process that stands by, under running calls. */
  readonly mishaps: number;
  /** Kills of a node that another machine takes over from. */
  readonly failOvers: number;
}

export interface PolicyPlan {
  readonly runs: number;
  readonly seconds: number;
}

export interface RelayGroup {
  readonly calls: number;
  readonly protection: 'cm' | 'gcm' | 'plain';
  readonly modes: readonly ('flood' | 'paced')[];
  readonly runs: number;
}

export interface RelayPlan {
  readonly groups: readonly RelayGroup[];
  /** Of each phase. */
  readonly seconds: number;
  readonly sessionRuns: number;
  /**
   * Set up and ended before any is counted, and then again: until V8 has compiled what a session needs, as in a service that runs.
   */
  readonly sessions: number;
}

export interface SignallingPlan extends PhaseSettings {
  readonly runs: number;
}

export interface Plan {
  readonly startup: StartupPlan;
  readonly survive: SurvivePlan;
  readonly policy: PolicyPlan;
  readonly relay: RelayPlan;
  readonly signalling: SignallingPlan;
}

/** Seconds within which all suites are over: those that are left get no further run that would not fit. */
export const promised = { full: 900, quick: 180 } as const;

const main: RelayGroup = { calls: 500, protection: 'cm', modes: ['flood', 'paced'], runs: 4 };

export const fullPlan: Plan = {
  startup: { runs: 3, idleSeconds: 15, warmsUp: true },
  survive: { runs: 3, pairs: 12, turn: 400, warmUp: 2_000, mishaps: 0, failOvers: 0 },
  policy: { runs: 3, seconds: 2 },
  relay: {
    groups: [
      main,
      { ...main, protection: 'gcm', modes: ['flood'], runs: 2 },
      { ...main, protection: 'plain', modes: ['flood'], runs: 2 },
      { ...main, calls: 50, modes: ['flood'], runs: 3 },
      { ...main, calls: 2_000, modes: ['flood'], runs: 3 },
    ],
    seconds: 2,
    sessionRuns: 2,
    sessions: 3_000,
  },
  signalling: {
    runs: 2,
    seconds: 6,
    warmUp: { calls: 3_000, registrations: 1_500, handshakes: 600 },
    callsPerSecond: 150,
    registersPerSecond: 300,
    connections: 200,
    idlePhones: 5_000,
  },
};

export const quickPlan: Plan = {
  startup: { runs: 1, idleSeconds: 1, warmsUp: false },
  survive: { runs: 1, pairs: 2, turn: 150, warmUp: 300, mishaps: 0, failOvers: 0 },
  policy: { runs: 2, seconds: 0.5 },
  relay: { groups: [{ ...main, runs: 1 }], seconds: 1, sessionRuns: 1, sessions: 1_000 },
  signalling: {
    runs: 1,
    seconds: 2,
    warmUp: { calls: 1_000, registrations: 300, handshakes: 100 },
    callsPerSecond: 150,
    registersPerSecond: 300,
    connections: 50,
    idlePhones: 250,
  },
};

/** The same with `runs` of everything that is repeated. */
export function withRuns(plan: Plan, runs: number): Plan {
  const { startup, survive, policy, relay, signalling } = plan;
  return {
    startup: { ...startup, runs },
    survive: { ...survive, runs },
    policy: { ...policy, runs },
    relay: { ...relay, groups: relay.groups.map((group) => ({ ...group, runs })), sessionRuns: runs },
    signalling: { ...signalling, runs },
  };
}

/** The same with what the default set has no time for: upgrades and kills under running calls. For who asks for `survive` by its name. */
export function withMishaps(plan: Plan): Plan {
  const { survive } = plan;
  return { ...plan, survive: { ...survive, mishaps: survive.runs, failOvers: Math.min(survive.runs, mostFailOvers) } };
}

const mostFailOvers = 3;

/**
 * The same after as long as V8 goes on compiling, which the default set has no time for. For who asks for `signalling` by its name. More calls within ten
 * seconds, for which ports rest, would take all of them.
 */
export function withLongWarmUp(plan: Plan): Plan {
  const { signalling } = plan;
  return { ...plan, signalling: { ...signalling, warmUp: { calls: 4_000, registrations: 6_000, handshakes: 2_000 } } };
}

/** Seconds that each suite takes. */
export function secondsOf(plan: Plan): Readonly<Record<keyof Plan, number>> {
  return {
    startup: startupSeconds(plan.startup),
    survive: surviveSeconds(plan.survive),
    policy: policySeconds(plan.policy),
    relay: relaySeconds(plan.relay),
    signalling: signallingSeconds(plan.signalling),
  };
}

const startupSites = 4;
/** Until it is ready, and until it has ended. */
const startSeconds = 1.8;

function startupSeconds({ runs, idleSeconds, warmsUp }: StartupPlan): number {
  const importSeconds = 4;
  return importSeconds + startupSites * ((runs + (warmsUp ? 1 : 0)) * startSeconds + idleSeconds);
}

/** SQLite and Redis. */
const keepers = 2;
/** Of a call on fake time and fake sockets. */
const composedCallSeconds = 0.0012;
/** A database with 1,000 calls and 20,000 registrations is written, and read. */
const leftStateSeconds = 5;

const servedSites = 5;
/** Until ten calls run there, and until it has ended. */
const servedSiteSeconds = 3;
/** An upgrade by each driver, and a kill with and without a process that stands by, which is started first. */
const mishapSeconds = 15;
/** A call of each driver, whose worker throws or stands still. */
const endsOfWorkersSeconds = 40;
/** Two machines and a Redis are started for it. */
const failOverSeconds = 20;

function surviveSeconds({ runs, pairs, turn, warmUp, mishaps, failOvers }: SurvivePlan): number {
  const keptSeconds = keepers * 2 * (pairs * turn + warmUp) * composedCallSeconds + runs * leftStateSeconds;
  const sitesSeconds = mishaps === 0 ? 0 : servedSites * servedSiteSeconds + endsOfWorkersSeconds;
  return keptSeconds + sitesSeconds + mishaps * mishapSeconds + failOvers * failOverSeconds;
}

function policySeconds({ runs, seconds }: PolicyPlan): number {
  const prepareSeconds = 3;
  return prepareSeconds + runs * 3 * seconds;
}

const relays = 3;
const relayStartSeconds = 1.3;
/** A process that sends starts. */
const loadStartSeconds = 0.7;
const relayWarmUpSeconds = 0.5;
/** Forged, replayed and malformed packets, once in each group. */
const refusalSeconds = 3.6;
/** One that does not count, and one that does. */
const sessionSeconds = 0.0012;

function relaySeconds({ groups, seconds, sessionRuns, sessions }: RelayPlan): number {
  const oneOf = ({ modes }: RelayGroup): number =>
    relayStartSeconds + relayWarmUpSeconds + loadStartSeconds + modes.length * (loadStartSeconds + seconds);
  const measured = groups.reduce((sum, group) => sum + relays * group.runs * oneOf(group) + refusalSeconds, 0);
  return measured + 2 * sessionRuns * (relayStartSeconds + sessions * sessionSeconds);
}

const signallingSubjects = 2;
const subjectStartSeconds = 2;
/** Of a SIPp, from its start to its end beside what it sends. */
const generatorSeconds = 0.6;
const callsPerSecondAtMost = 300;
const registrationsPerSecondAtMost = 800;
const handshakesPerSecondAtMost = 300;
const idleArrivalsPerSecond = 250;
/** The first phones, the time in which all are quiet, the storm, and the time after it. */
const stormSeconds = 22;

function signallingSeconds(plan: SignallingPlan): number {
  const { runs, seconds, warmUp, connections, idlePhones } = plan;
  const [paced, saturated, handshakes] = [3 * seconds, (400 * seconds) / callsPerSecondAtMost, seconds * 300];
  const many = connections / 100 + 1;
  const loads =
    subjectStartSeconds +
    warmUp.calls / callsPerSecondAtMost +
    warmUp.registrations / registrationsPerSecondAtMost +
    warmUp.handshakes / handshakesPerSecondAtMost +
    paced +
    many +
    saturated +
    handshakes / handshakesPerSecondAtMost +
    8 * generatorSeconds;
  const idle = subjectStartSeconds + idlePhones / idleArrivalsPerSecond + stormSeconds;
  return 5 + runs * signallingSubjects * (loads + idle);
}
