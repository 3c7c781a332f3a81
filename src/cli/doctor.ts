// portcullis doctor
import { dirname, join, resolve } from 'node:path';
import { configFindings } from '../observe/doctor/config-findings.ts';
import type { DoctorFinding } from '../observe/doctor/finding.ts';
import { gatherHostFacts, type HostPlaces } from '../observe/doctor/host-facts.ts';
import { hostFindings } from '../observe/doctor/host-findings.ts';
import { parseArguments } from './arguments.ts';
import { type Command, exitCodes } from './command.ts';
import { adminClientOf, type LoadedConfig, loadConfigFile, stateDirectory } from './config-file.ts';
import { configOption } from './config-option.ts';
import { jsonOption, printJson } from './output.ts';
import { formatTable } from './table.ts';

const options = {
  config: configOption,
  json: jsonOption,
  root: { type: 'string', value: 'PATH', about: 'where /sys and /proc are (/ when not given)' },
} as const;

/** Files of the state directory that hold keys, or what they seal. */
const secrets = ['keys', 'media-keys', 'secret', 'dtls-identity', 'portcullis.db', 'cdr/cdr.db'];

const ranks = ['critical', 'warning', 'info'] as const satisfies readonly DoctorFinding['severity'][];

export const doctor: Command = {
  name: 'doctor',
  parameters: '[options]',
  summary: 'Looks for what is wrong with the machine, the files and the configuration, and says what to do about it',
  about: [
    'Exit code 1 where something is critical or a warning. What the process may do (its user, its open files) is asked of it, where it',
    'runs.',
  ],
  options,
  examples: ['doctor', 'doctor --json'],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    const loaded = loadConfigFile(values.config, context);
    const gathered = await gatherHostFacts(placesOf(loaded, resolve(context.workingDirectory, values.root ?? '/')));
    const [status] = await adminClientOf(loaded, context, () => {}).statuses();
    const running = status?.ok === true ? status.value : undefined;
    if (running === undefined) context.terminal.error('it does not run: its user and its limits were not looked at\n');
    // Those of this command, and of the shell that it was started in, say nothing of it.
    const facts = { ...gathered, uid: running?.uid, descriptors: running?.descriptors };
    const found = [...hostFindings(facts, context.clock.wall()), ...configFindings(loaded.config, facts)];
    const findings = found.toSorted((a, b) => ranks.indexOf(a.severity) - ranks.indexOf(b.severity));
    if (values.json) printJson({ findings }, context);
    else if (findings.length === 0) context.terminal.out('nothing was found\n');
    else {
      const rows = findings.map(({ severity, detail, remedy }) => [severity, detail, remedy]);
      context.terminal.out(formatTable(['SEVERITY', 'FINDING', 'REMEDY'], rows));
    }
    return findings.every(({ severity }) => severity === 'info') ? exitCodes.ok : exitCodes.refused;
  },
};

function placesOf(loaded: LoadedConfig, root: string): HostPlaces {
  const { config, file } = loaded;
  const state = stateDirectory(loaded);
  const path = (name: string): string => resolve(dirname(file), name);
  const own = config.listener.flatMap(({ certificate, key, certificates }) => [{ certificate, key }, ...certificates]);
  const keys = own.flatMap(({ key }) => (key === undefined ? [] : [path(key)]));
  return {
    root,
    files: [
      { path: file, isSecret: config.user.some(({ password }) => password !== undefined) },
      ...[...new Set([...keys, ...secrets.map((name) => join(state, name))])].map((one) => ({
        path: one,
        isSecret: true,
      })),
    ],
    certificates: [
      ...new Set(own.flatMap(({ certificate }) => (certificate === undefined ? [] : [path(certificate)]))),
    ],
    stateDirectory: state,
  };
}
