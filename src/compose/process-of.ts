// What this process has to do with the others that serve on this machine: its part of the configuration, and its place among them.
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { processConfig, processNode, processNumbers, processSocket } from '../config/process-config.ts';
import type { Config } from '../config/schema.ts';
import { SbcError } from '../core/errors.ts';
import type { SupervisorChannel } from '../supervisor/channel.ts';
import type { ProcessPlace } from './signalling/process-room.ts';

export class ProcessOf {
  /** Where accounts are, for all of them. Absolute. */
  readonly accounts: string;
  readonly #config: Config;
  /** Of the configuration, and of the sockets. */
  readonly #configFolder: string;
  readonly #folder: string;
  readonly #process: number | undefined;

  /** `place`: undefined where there is one only. Throws SbcError where that is not what the configuration says. */
  constructor(config: Config, configFile: string, place: SupervisorChannel['process']) {
    const { processes } = config.sbc;
    const running = place?.of ?? 1;
    if (processes !== running) {
      const message = `sbc.processes is ${processes}, and the program was started for ${running}: restart it`;
      throw new SbcError('processes-changed', message, { processes, running });
    }
    const folder = dirname(resolve(configFile));
    this.accounts = resolve(folder, config.sbc.state_dir);
    this.#config = config;
    this.#configFolder = folder;
    this.#folder = dirname(resolve(folder, config.admin.socket));
    this.#process = place?.number;
  }

  /** What a configuration means for this process. */
  readonly configOf = (config: Config): Config =>
    this.#process === undefined ? config : processConfig(config, this.#process, availableParallelism());

  /** The admin sockets of all, where this is the first of several: operators see them all there. */
  get sockets(): readonly [string, ...string[]] | undefined {
    if (this.#process !== 1) return undefined;
    const [first, ...others] = processNumbers(this.#config).map((one) =>
      resolve(this.#configFolder, processSocket(this.#config, one)),
    );
    return first === undefined ? undefined : [first, ...others];
  }

  /** Undefined: there are no others. */
  placeOf(run: string): ProcessPlace | undefined {
    if (this.#process === undefined) return undefined;
    const nodes = processNumbers(this.#config).map((one) => [processNode(this.#config, one), one] as const);
    const { processes } = this.#config.sbc;
    return { process: this.#process, processes, run, folder: this.#folder, nodes: new Map(nodes) };
  }
}
