// portcullis init
import { join, resolve } from 'node:path';
import { parseArguments } from './arguments.ts';
import { type Command, exitCodes } from './command.ts';
import { loadConfigFile } from './config-file.ts';
import { defaultConfigFile } from './config-option.ts';
import { jsonOption, printJson } from './output.ts';
import { softphoneGuide } from './quick-start/guide.ts';
import { newSite } from './quick-start/site.ts';
import { writeSite } from './quick-start/write-site.ts';

const options = {
  directory: { type: 'string', short: 'd', value: 'FOLDER', about: 'where to write (here when not given)' },
  json: jsonOption,
} as const;

export const init: Command = {
  name: 'init',
  parameters: '[--directory FOLDER]',
  summary: 'Writes a configuration for trying out, a development certificate and two users, and starts nothing',
  about: ['Files that are there already are left alone: it writes all of its own, or nothing.'],
  options,
  examples: ['init', 'init --directory /tmp/try-out', 'init --json'],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    const directory = resolve(context.workingDirectory, values.directory ?? '.');
    const site = newSite(context.host, context.clock.wall(), context.random);
    writeSite(directory, site.files);
    const written = site.files.map(({ path }) => join(directory, path));
    if (values.json) {
      printJson({ written, users: site.users }, context);
      return exitCodes.ok;
    }
    const loaded = loadConfigFile(join(directory, defaultConfigFile), context);
    context.terminal.out(`${written.map((file) => `wrote ${file}\n`).join('')}${softphoneGuide(loaded, site)}`);
    return exitCodes.ok;
  },
};
