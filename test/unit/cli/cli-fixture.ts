// The command line in a folder of its own: what it prints is kept, secrets and signals come from the test.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { CommandContext, RunningSbc, Signals } from '../../../src/cli/command.ts';
import { runCommandLine } from '../../../src/cli/command-line.ts';
import type { Screen } from '../../../src/cli/screen.ts';
import { systemRandom } from '../../../src/core/random.ts';
import { ok } from '../../../src/core/result.ts';
import { FakeClock } from '../../support/fake-time.ts';

export const smallConfig = `
[sbc]
state_dir = "state"

[[domain]]
name = "pbx.test"

[[domain]]
name = "second.test"
realm = "Second House"

[[network]]
name = "outside"
media = [{ address = "127.0.0.1" }]

[[listener]]
name = "phones"
network = "outside"
transport = "tls"
address = "127.0.0.1:0"
certificate = "edge.crt"
key = "edge.key"

[[group]]
name = "sales"
concurrent_calls = 7

[[user]]
name = "configured"
password = "In-The-File-2026"
concurrent_calls = 4
max_call_duration = "90m"

[admin]
socket = "admin.sock"
`;

type SignalName = 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGUSR2';

export class FakeSignals implements Signals {
  readonly #handlers = new Map<SignalName, Set<() => void>>();

  on(signal: SignalName, handle: () => void): () => void {
    const handlers = this.#handlers.get(signal) ?? new Set();
    this.#handlers.set(signal, handlers.add(handle));
    return () => void handlers.delete(handle);
  }

  send(signal: SignalName): void {
    for (const handle of this.#handlers.get(signal) ?? []) handle();
  }

  /** Handlers that are still there. */
  get held(): number {
    return [...this.#handlers.values()].reduce((sum, handlers) => sum + handlers.size, 0);
  }
}

export class Cli {
  readonly directory: string;
  readonly clock = new FakeClock();
  readonly signals = new FakeSignals();
  readonly environment: Record<string, string> = {};
  /** What is typed when a secret is asked for; nobody is there when it is empty. */
  readonly typed: string[] = [];
  /** In place of that of the machine. */
  systemConfig = '/nowhere/portcullis.toml';
  screen: Screen | undefined;
  addresses: readonly string[] = ['192.0.2.10'];
  startSbc: CommandContext['startSbc'] = () => Promise.resolve(runningSbc());
  standBy: CommandContext['standBy'] = () => Promise.resolve(runningSbc());
  supervise: CommandContext['supervise'];
  readonly #starting = Promise.withResolvers<void>();
  routeTest: CommandContext['routeTest'] = () => Promise.reject(new Error('no route is tested here'));
  replayFraud: CommandContext['replayFraud'] = () => Promise.reject(new Error('nothing is replayed here'));
  out = '';
  error = '';

  /** `directory`: where another one has written a configuration; absent: a folder of its own. */
  constructor(config?: string, directory?: string) {
    this.directory = directory ?? mkdtempSync(join(tmpdir(), 'pc-cli-'));
    if (directory === undefined) onTestFinished(() => rmSync(this.directory, { recursive: true, force: true }));
    if (config !== undefined) this.write('portcullis.toml', config);
  }

  /** Resolves when the SBC is asked to start, or to stand by. */
  get starting(): Promise<void> {
    return this.#starting.promise;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  write(name: string, text: string): void {
    writeFileSync(this.path(name), text);
  }

  /** Runs one command; `out` and `error` are then what it printed. */
  async run(...argv: readonly string[]): Promise<number> {
    this.out = '';
    this.error = '';
    return runCommandLine(argv, this.#context());
  }

  json(): unknown {
    return JSON.parse(this.out);
  }

  #context(): CommandContext {
    return {
      version: '9.8.7',
      systemConfig: this.systemConfig,
      terminal: {
        out: (text) => {
          this.out += text;
        },
        error: (text) => {
          this.error += text;
        },
        askSecret: () => Promise.resolve(this.typed.shift()),
        screen: () => this.screen,
      },
      environment: this.environment,
      workingDirectory: this.directory,
      clock: this.clock,
      pause: async (time) => this.clock.move(time),
      random: systemRandom,
      signals: this.signals,
      host: { name: 'edge', addresses: this.addresses },
      startSbc: (options) => {
        this.#starting.resolve();
        return this.startSbc(options);
      },
      standBy: (options) => {
        this.#starting.resolve();
        return this.standBy(options);
      },
      supervise: this.supervise,
      routeTest: (options) => this.routeTest(options),
      replayFraud: (options, lines) => this.replayFraud(options, lines),
    };
  }
}

export function runningSbc(more: Partial<RunningSbc> = {}): RunningSbc {
  return {
    listening: [{ name: 'phones', transport: 'tls', address: { address: '127.0.0.1', port: 5061 } }],
    drain: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    reload: () => Promise.resolve(ok([])),
    replaced: new Promise(() => {}),
    upgrade: () => undefined,
    over: new Promise(() => {}),
    ...more,
  };
}
