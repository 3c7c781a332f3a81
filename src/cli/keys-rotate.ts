// portcullis keys rotate
import { join } from 'node:path';
import { addKey, dropOldKeys } from '../store/key-file.ts';
import { openState } from '../store/sqlite/state.ts';
import { parseArguments } from './arguments.ts';
import { actorOf, type Command, exitCodes } from './command.ts';
import { loadConfigFile, stateDirectory } from './config-file.ts';
import { configOption } from './config-option.ts';
import { jsonOption, printJson } from './output.ts';

const options = {
  config: configOption,
  json: jsonOption,
  'keep-old': {
    type: 'boolean',
    about: 'leave the old keys in the file, so that older copies of the database can be read',
  },
} as const;

export const keysRotate: Command = {
  name: 'keys rotate',
  parameters: '[options]',
  summary: 'Makes a new key for credentials at rest and seals them all with it',
  about: [
    'A running SBC knows the keys that it started with: rotate while it is stopped, or restart it afterwards. Make a copy of the key',
    'file: without it every user needs a new password.',
  ],
  options,
  examples: ['keys rotate', 'keys rotate --keep-old'],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    const directory = stateDirectory(loadConfigFile(values.config, context));
    const { clock, random } = context;
    // Opened first: a database that cannot be read keeps its keys.
    openState(directory, { clock, random }).close();
    const file = join(directory, 'keys');
    const id = addKey(file, random);
    const state = openState(directory, { clock, random });
    const sealed = state.sealedAgain;
    state.audit.append({ actor: actorOf(context), action: 'keys rotate', subject: id });
    state.close();
    if (values['keep-old'] !== true) dropOldKeys(file, random);
    if (values.json) printJson({ key: id, sealed }, context);
    else context.terminal.out(`sealed ${sealed} passwords with the new key ${id}\n`);
    return exitCodes.ok;
  },
};
