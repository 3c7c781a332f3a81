// Loaded into each thread before a live fuzz (`--import`): has every page of the space for young objects written once. V8 takes new ones
// whenever a collection finds many survivors, a thread that does little takes them for hours, and either looks like growth.

const survivors = 600_000;

interface Young {
  readonly index: number;
  readonly more: readonly number[];
}

/** As many objects at once as both halves of the space hold: those in the one are copied to the other. */
function fill(): number {
  const alive: Young[] = [];
  for (let index = 0; index < survivors; index += 1) alive.push({ index, more: [index] });
  return alive.length;
}

fill();
