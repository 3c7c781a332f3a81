// Setup file of the tests of pure folders: the clock, timers and chance of the process throw when code under src reaches for
// them. vitest, fast-check and the tests themselves may use them, so what counts is the nearest caller that is ours.
import { isCalledFromSource } from './poison-caller.ts';

const installed = Symbol.for('portcullis.poison');

const real = {
  Date,
  random: Math.random,
  now: performance.now,
  hrtime: process.hrtime,
  setTimeout,
  setInterval,
  setImmediate,
};

/** Throws when the nearest frame of this checkout, outside node_modules, lies under src. */
function forbid(what: string): void {
  if (isCalledFromSource(new Error().stack ?? ''))
    throw new Error(`${what} was used by a pure folder; take it from outside`);
}

if (!Reflect.has(globalThis, installed)) install();

function install(): void {
  Object.defineProperty(globalThis, installed, { value: true });
  globalThis.Date = new Proxy(real.Date, {
    apply(target, self, args) {
      forbid('Date()');
      return Reflect.apply(target, self, args);
    },
    construct(target, args, newTarget) {
      forbid('new Date()');
      return Reflect.construct(target, args, newTarget);
    },
    get(target, key, receiver) {
      if (key !== 'now') return Reflect.get(target, key, receiver);
      return () => {
        forbid('Date.now()');
        return real.Date.now();
      };
    },
  });

  Math.random = () => {
    forbid('Math.random()');
    return real.random();
  };

  performance.now = () => {
    forbid('performance.now()');
    return real.now.call(performance);
  };

  for (const name of ['setTimeout', 'setInterval', 'setImmediate'] as const) {
    const poisoned = new Proxy(real[name], {
      apply(target, self, args) {
        forbid(`${name}()`);
        return Reflect.apply(target, self, args);
      },
    });
    Object.defineProperty(globalThis, name, { value: poisoned, configurable: true, writable: true });
  }

  process.hrtime = new Proxy(real.hrtime, {
    apply(target, self, args) {
      forbid('process.hrtime()');
      return Reflect.apply(target, self, args);
    },
    get(target, key, receiver) {
      if (key === 'bigint') forbid('process.hrtime.bigint()');
      return Reflect.get(target, key, receiver);
    },
  });
}
