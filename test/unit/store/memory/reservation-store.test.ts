import { MemoryReservationStore } from '../../../../src/store/memory/reservation-store.ts';
import { FakeClock } from '../../../support/fake-time.ts';
import { describeReservationStore } from '../../../support/reservation-conformance.ts';

describeReservationStore(
  'in memory',
  () => ({ store: new MemoryReservationStore(new FakeClock()), close: () => {} }),
  100_000,
);
