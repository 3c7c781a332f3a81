// portcullis start: what `npm start` runs.
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArguments } from './arguments.ts';
import type { Command, CommandContext } from './command.ts';
import { configOption, defaultConfigFile } from './config-option.ts';
import { serve } from './serve.ts';
import { aloneOption, supervised } from './supervised.ts';

const options = { config: configOption, 'no-supervisor': aloneOption } as const;

export const start: Command = {
  name: 'start',
  parameters: '[--config FILE] [--no-supervisor]',
  summary: 'Runs the SBC; where there is no configuration yet, writes one for trying out',
  about: [
    `Without --config and without ${defaultConfigFile} it writes one with a development certificate and two users, and prints`,
    'how to register a softphone. With --config it is "portcullis run".',
  ],
  options,
  examples: ['start', 'start --config /etc/portcullis/portcullis.toml'],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    return supervised(values, context, () => startHere(values.config, context));
  },
};

/** In this process. */
async function startHere(config: string | undefined, context: CommandContext): Promise<number> {
  const { loadConfigFile } = await import('./config-file.ts');
  if (config !== undefined) return serve(loadConfigFile(config, context), context);
  const [{ newSite }, { writeSite }, { listeningText, softphoneGuide }] = await Promise.all([
    import('./quick-start/site.ts'),
    import('./quick-start/write-site.ts'),
    import('./quick-start/guide.ts'),
  ]);
  const file = resolve(context.workingDirectory, defaultConfigFile);
  const made = existsSync(file) ? undefined : newSite(context.host, context.clock.wall(), context.random);
  if (made !== undefined) {
    writeSite(dirname(file), made.files);
    for (const { path } of made.files) context.terminal.out(`wrote ${join(dirname(file), path)}\n`);
  }
  const loaded = loadConfigFile(undefined, context);
  return serve(loaded, context, ({ listening }) => {
    context.terminal.out(`${listeningText(listening)}${softphoneGuide(loaded, made)}`);
  });
}
