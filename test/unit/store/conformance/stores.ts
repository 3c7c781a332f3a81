// All that stores promise, whoever keeps them: `describeStores('in a file', make)` runs it. Reservations have a suite of their own
// (test/support/reservation-conformance.ts).
import { describeBudgets } from './budgets.ts';
import { describeCalls } from './calls.ts';
import { describeGuards } from './guards.ts';
import { describeLocations } from './locations.ts';
import type { MakePlace } from './place.ts';

export function describeStores(name: string, make: MakePlace): void {
  describeCalls(name, make);
  describeLocations(name, make);
  describeBudgets(name, make);
  describeGuards(name, make);
}
