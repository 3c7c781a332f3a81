// portcullis run
import { parseArguments } from './arguments.ts';
import { type Command, UsageError } from './command.ts';
import { configOption } from './config-option.ts';
import { serve } from './serve.ts';
import { aloneOption, supervised } from './supervised.ts';

const options = {
  config: configOption,
  standby: { type: 'boolean', about: 'serve nobody until no other process is this node any more' },
  'no-supervisor': aloneOption,
} as const;

export const run: Command = {
  name: 'run',
  parameters: '[--config FILE] [--standby] [--no-supervisor]',
  summary: 'Runs the SBC until it is told to stop',
  about: [
    'SIGTERM or Ctrl-C: takes no new calls, waits for those that run ([sbc].drain_timeout at most), ends. A second Ctrl-C ends',
    'them at once. SIGHUP: applies the configuration file as it is then. SIGUSR2: has another process take its place (portcullis',
    'upgrade). The process that serves is started again when it crashes, and goes on with the calls; not with --no-supervisor.',
    'With --standby (and a [store]): waits until no other process is this node, or portcullis takeover says so; then it takes over',
    'the calls that run.',
  ],
  options,
  examples: ['run', 'run --config /etc/portcullis/portcullis.toml', 'run --standby', 'run --no-supervisor'],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    return supervised(values, context, async () => {
      const { loadConfigFile } = await import('./config-file.ts');
      const loaded = loadConfigFile(values.config, context);
      const standsBy = values.standby === true;
      if (standsBy && loaded.config.store.url === undefined) {
        throw new UsageError('--standby needs [store] url: the nodes share what it takes over');
      }
      if (standsBy && loaded.config.sbc.processes > 1) {
        throw new UsageError('--standby is for a pair of one process each: sbc.processes is more');
      }
      return serve(loaded, context, undefined, { standsBy });
    });
  },
};
