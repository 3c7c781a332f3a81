// What is wrong, or weak, with the machine, the files or the configuration, and what to do about it.

export interface DoctorFinding {
  /** Stable, and different for each thing that it is about: `fan hwmon2/fan1`. */
  readonly id: string;
  readonly severity: 'info' | 'warning' | 'critical';
  readonly detail: string;
  readonly remedy: string;
}
