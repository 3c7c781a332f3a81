// portcullis run
import { parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { configOption, loadConfigFile } from './config-file.ts';
import { serve } from './serve.ts';

const options = { config: configOption } as const;

export const run: Command = {
  name: 'run',
  parameters: '[--config FILE]',
  summary: 'Runs the SBC until it is told to stop',
  about: [
    'SIGTERM or Ctrl-C: takes no new calls, waits for those that run ([sbc].drain_timeout at most), ends. A second Ctrl-C ends',
    'them at once. SIGHUP: applies the configuration file as it is then.',
  ],
  options,
  examples: ['run', 'run --config /etc/portcullis/portcullis.toml'],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    return serve(loadConfigFile(values.config, context), context);
  },
};
