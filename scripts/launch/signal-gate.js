// A terminal sends Ctrl-C to npm and to the launcher, and npm passes its own on: two signals for one key press. To the program a
// second SIGINT means "at once", so what follows within this time is the same press.
export const sameKeyPressMillis = 150;

/** Returns whether the signal that came at `now` (milliseconds) is a new one, for each kind of signal by itself. */
export function signalGate() {
  const last = new Map();
  return (signal, now) => {
    const isNew = now - (last.get(signal) ?? Number.NEGATIVE_INFINITY) >= sameKeyPressMillis;
    last.set(signal, now);
    return isNew;
  };
}
