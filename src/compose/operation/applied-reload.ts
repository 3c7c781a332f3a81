// A configuration file that takes the place of the one that is applied, whole or not at all.
import { formatConfigError, loadConfig } from '../../config/load.ts';
import { planReload } from '../../config/reload-plan.ts';
import type { Config } from '../../config/schema.ts';
import { messageOf } from '../../core/errors.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Signalling } from '../signalling/signalling.ts';
import { type Dashboard, webTls } from './dashboard.ts';

export interface AppliedReload {
  readonly config: Config;
  readonly changed: readonly string[];
}

export interface ReloadingParts {
  readonly signalling: Signalling;
  readonly dashboard: Dashboard | undefined;
  /** What a configuration means for this process. */
  readonly configOf: (config: Config) => Config;
}

/** What is applied now, or every reason why nothing is. */
export function applyFile(
  configFile: string,
  before: Config,
  { signalling, dashboard, configOf }: ReloadingParts,
): Result<AppliedReload, readonly string[]> {
  const loaded = loadConfig(configFile);
  if (!loaded.ok) return err(loaded.error.map(formatConfigError));
  const config = configOf(loaded.value);
  const plan = planReload(before, config);
  if (!plan.ok) return plan;
  try {
    // Read before anything is replaced.
    const tls = webTls(config, configFile);
    const renewed = signalling.apply(config);
    if (tls !== undefined) dashboard?.setCertificate(tls);
    return ok({ config, changed: [...plan.value, ...renewed.map((listener) => `certificate of ${listener}`)] });
  } catch (thrown) {
    return err([messageOf(thrown)]);
  }
}
