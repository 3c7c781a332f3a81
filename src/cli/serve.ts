// Runs the SBC in this process until signals end it. SIGTERM, or a first SIGINT, drains and stops; a SIGINT after either cuts the
// wait short, and one more does not wait for anything. SIGHUP reloads, SIGUSR2 has another process take its place.
import { messageOf, SbcError } from '../core/errors.ts';
import { type CommandContext, exitCodes, type RunningSbc } from './command.ts';
import type { LoadedConfig } from './config-file.ts';

/** Rejects with SbcError when it cannot start. `onReady` runs once it listens. */
export async function serve(
  { config, file }: LoadedConfig,
  context: CommandContext,
  onReady: (sbc: RunningSbc) => void = () => {},
  { standsBy = false }: { readonly standsBy?: boolean } = {},
): Promise<number> {
  const ending = new Ending(context);
  try {
    const options = { config, configFile: file };
    const starting = standsBy ? context.standBy({ ...options, ended: ending.asked }) : context.startSbc(options);
    // Asked to end twice before it was there: the process ends, and the start with it.
    const sbc = await Promise.race([starting, ending.atOnce]);
    if (sbc === undefined) return exitCodes.ok;
    const forget = [
      context.signals.on('SIGHUP', () => void reload(sbc, context)),
      context.signals.on('SIGUSR2', () => upgrade(sbc, context)),
    ];
    let code: number = exitCodes.ok;
    try {
      if (!ending.isAsked) onReady(sbc);
      // One of a pair is started again, to stand by; another one that another process is in the place of would only take it back.
      const replaced = sbc.replaced.then(() => (standsBy ? exitCodes.refused : exitCodes.ok));
      const over = Promise.race([sbc.over, replaced]);
      await Promise.race([ending.asked, over]);
      await Promise.race([sbc.drain(), over, ending.atOnce]);
      code = await Promise.race([over, Promise.resolve(exitCodes.ok)]);
    } finally {
      for (const one of forget) one();
      await Promise.race([sbc.stop(), ending.notWaiting]);
    }
    return code;
  } finally {
    ending.forget();
  }
}

/** What signals have asked for so far, as promises that each resolve once. */
class Ending {
  readonly #asked = Promise.withResolvers<void>();
  readonly #atOnce = Promise.withResolvers<undefined>();
  readonly #notWaiting = Promise.withResolvers<void>();
  readonly #context: CommandContext;
  readonly #forget: readonly (() => void)[];
  #urgency = 0;

  constructor(context: CommandContext) {
    this.#context = context;
    const { signals } = context;
    this.#forget = [
      // A supervisor may send it more than once and means the same.
      signals.on('SIGTERM', () => this.#rise(Math.max(1, this.#urgency))),
      signals.on('SIGINT', () => this.#rise(this.#urgency + 1)),
    ];
  }

  get isAsked(): boolean {
    return this.#urgency > 0;
  }

  get asked(): Promise<void> {
    return this.#asked.promise;
  }

  get atOnce(): Promise<undefined> {
    return this.#atOnce.promise;
  }

  get notWaiting(): Promise<void> {
    return this.#notWaiting.promise;
  }

  forget(): void {
    for (const forget of this.#forget) forget();
  }

  #rise(urgency: number): void {
    if (urgency === this.#urgency) return;
    this.#urgency = urgency;
    if (urgency === 1) {
      this.#context.terminal.error(
        'portcullis: stopping; calls that run may end in their time, Ctrl-C ends them at once\n',
      );
      this.#asked.resolve();
    } else if (urgency === 2) {
      this.#context.terminal.error('portcullis: stopping at once\n');
      this.#atOnce.resolve(undefined);
    } else {
      this.#notWaiting.resolve();
    }
  }
}

function upgrade(sbc: RunningSbc, { terminal }: CommandContext): void {
  const refusal = sbc.upgrade();
  if (refusal !== undefined) terminal.error(`portcullis: no upgrade: ${refusal}\n`);
}

/** Never rejects: a reload that fails leaves everything as it was. */
async function reload(sbc: RunningSbc, { terminal }: CommandContext): Promise<void> {
  try {
    const outcome = await sbc.reload();
    if (outcome.ok) terminal.error(`portcullis: reloaded, changed: ${outcome.value.join(', ') || 'nothing'}\n`);
    else terminal.error(`portcullis: the configuration was not applied\n${outcome.error.join('\n')}\n`);
  } catch (thrown) {
    const code = thrown instanceof SbcError ? ` (${thrown.code})` : '';
    terminal.error(`portcullis: the configuration was not applied: ${messageOf(thrown)}${code}\n`);
  }
}
