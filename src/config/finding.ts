// A setting that does not fit the others, and where it stands.
import type { Path } from './locate.ts';

export interface Finding {
  readonly path: Path;
  readonly message: string;
}
