import { MemoryReservationStore } from '../../../../src/store/memory/reservation-store.ts';
import { FakeClock } from '../../../support/fake-time.ts';
import { conformanceEvents, describeReservationStore } from '../../../support/reservation-conformance.ts';

describeReservationStore(
  'in memory',
  () => {
    const clock = new FakeClock();
    return { store: new MemoryReservationStore(clock), clock, close: () => {} };
  },
  conformanceEvents,
);
