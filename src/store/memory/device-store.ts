// Devices that end with the process.
import type { DeviceRecord, DeviceStore } from '../../policy/devices.ts';

export class MemoryDeviceStore implements DeviceStore {
  readonly #records = new Map<string, DeviceRecord>();

  load(): readonly DeviceRecord[] {
    return [...this.#records.values()];
  }

  keep(record: DeviceRecord): void {
    this.#records.set(record.id, record);
  }

  forget(id: string): void {
    this.#records.delete(id);
  }
}
