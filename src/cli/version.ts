// portcullis version
import { parseArguments } from './arguments.ts';
import { type Command, exitCodes } from './command.ts';
import { jsonOption, printJson } from './output.ts';

const options = { json: jsonOption } as const;

export const version: Command = {
  name: 'version',
  parameters: '[options]',
  summary: 'Prints the version of this program',
  about: ['"portcullis status" tells the version that is running.'],
  options,
  examples: ['version'],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    if (values.json) printJson({ version: context.version }, context);
    else context.terminal.out(`${context.version}\n`);
    return exitCodes.ok;
  },
};
