import { MemoryReservationStore } from '../../../../src/store/memory/reservation-store.ts';
import { describeReservationStore } from '../../../support/reservation-conformance.ts';

describeReservationStore('in memory', () => ({ store: new MemoryReservationStore(), close: () => {} }), 100_000);
