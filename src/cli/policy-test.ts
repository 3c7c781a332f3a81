// portcullis policy-test
import { parseArguments } from './arguments.ts';
import { type Command, exitCodes, UsageError } from './command.ts';
import { loadConfigFile } from './config-file.ts';
import { configOption } from './config-option.ts';
import { momentOf, momentOption } from './moment.ts';
import { jsonOption, printJson } from './output.ts';
import { printable } from './printable.ts';
import { formatTable } from './table.ts';

const options = {
  config: configOption,
  user: { type: 'string', value: 'NAME[@DOMAIN]', about: 'who calls' },
  to: { type: 'string', value: 'NUMBER', about: 'what is dialled: a number, a name or a URI' },
  at: momentOption,
  source: { type: 'string', value: 'ADDRESS', about: 'where the call comes from, for zones' },
  'from-zone': { type: 'string', value: 'ZONE', about: 'that it comes from this zone, instead of an address' },
  listener: { type: 'string', value: 'NAME', about: 'where it comes in; the first for phones when not given' },
  json: jsonOption,
} as const;

export const policyTest: Command = {
  name: 'policy-test',
  parameters: '--user NAME --to NUMBER [--at TIME] [options]',
  summary: 'Says whether a call would be allowed, and each rule that is asked on the way',
  about: [
    'The configuration alone is asked, by the functions that decide on calls: how many calls and minutes are taken, who is registered,',
    'what fraud detection holds against whom, and users of the database are not known.',
  ],
  options,
  examples: [
    'policy-test --user alice --to +8821612345678',
    'policy-test --user alice --to 600 --source 198.51.100.7',
    'policy-test --user alice --to 600 --at 2026-12-24T23:00 --json',
  ],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    const { user, to, at } = values;
    if (user === undefined || to === undefined) throw new UsageError('policy-test needs --user and --to');
    const time = at === undefined ? context.clock.wall() : momentOf(at);
    const { config } = loadConfigFile(values.config, context);
    const { trace, refusal } = await context.routeTest({
      config,
      query: { from: user, to, at: time, listener: values.listener, source: values.source, zone: values['from-zone'] },
    });
    const allowed = refusal === undefined;
    if (values.json) {
      printJson(
        { user, to, at: new Date(time).toISOString(), allowed, refusal: refusal ?? null, rules: trace },
        context,
      );
    } else {
      const rows = trace.map(({ rule, input = '', answer }) => [rule, input, answer]);
      context.terminal.out(formatTable(['RULE', 'INPUT', 'ANSWER'], rows));
      const why = allowed ? '' : `: ${refusal.status} ${refusal.text} (${refusal.code}): ${printable(refusal.detail)}`;
      context.terminal.out(`\n${allowed ? 'allowed' : 'refused'}${why}\n`);
    }
    return allowed ? exitCodes.ok : exitCodes.refused;
  },
};
