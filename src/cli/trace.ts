// portcullis trace CALL
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { answered, parseJson } from '../admin/admin-client-exchange.ts';
import { messageOf, SbcError } from '../core/errors.ts';
import { adminClient, adminOptions } from './admin-access.ts';
import { type OptionValues, parseArguments } from './arguments.ts';
import { type Command, type CommandContext, exitCodes, UsageError } from './command.ts';
import { printJson } from './output.ts';
import { printable } from './printable.ts';

const options = {
  ...adminOptions,
  messages: { type: 'boolean', about: 'print the messages instead of the ladder' },
  json: { type: 'boolean', about: 'print JSON: the ladder, and the first 200 messages' },
  svg: { type: 'string', value: 'FILE', about: 'write the ladder as an SVG' },
  pcap: {
    type: 'string',
    value: 'FILE',
    about: 'write a capture that Wireshark opens: SIP as it was before TLS, headers of media',
  },
  secrets: { type: 'boolean', about: 'leave keys and digest responses in; goes into the audit log' },
} as const;

export const trace: Command = {
  name: 'trace',
  parameters: 'CALL [options]',
  summary: 'Draws the SIP messages of a call on both of its sides',
  about: [
    'CALL is the name that the log and the call records use, or a Call-ID. The latest messages are in memory ([trace] memory),',
    'those of a call that is over too, until others take their place. A capture has the headers of the first media packets too',
    '([trace] media_packets), without what was said.',
  ],
  options,
  examples: ['trace 3f2a8c51d0e94b77', 'trace 3f2a8c51d0e94b77 --json', 'trace 3f2a8c51d0e94b77 --pcap call.pcap'],
  async run(args, context) {
    const { values, positionals } = parseArguments(args, options, ['CALL']);
    const [call = ''] = positionals;
    const form = formOf(values);
    const query = { form, ...(values.secrets ? { secrets: 'yes' } : {}) };
    const drawn = answered(await adminClient(values, context).trace(call, query));
    const file = values.svg ?? values.pcap;
    if (file !== undefined) write(file, drawn, context);
    else if (form === 'steps') printJson(parseJson(Buffer.from(drawn).toString()), context);
    else context.terminal.out(shown(drawn));
    return exitCodes.ok;
  },
};

type Form = 'svg' | 'pcap' | 'messages' | 'steps' | 'ladder';

/** What the running SBC is asked for. Throws UsageError where more than one form is. */
function formOf({ svg, pcap, messages = false, json = false }: OptionValues<typeof options>): Form {
  const asked: readonly (readonly [Form, boolean])[] = [
    ['svg', svg !== undefined],
    ['pcap', pcap !== undefined],
    ['messages', messages],
    ['steps', json],
  ];
  const [first, second] = asked.filter(([, isAsked]) => isAsked);
  if (second !== undefined) throw new UsageError('--svg, --pcap, --messages and --json are one each');
  return first?.[0] ?? 'ladder';
}

/** A message is a peer's text: line ends are obeyed, nothing else. */
function shown(bytes: Uint8Array): string {
  const lines = Buffer.from(bytes).toString().split(/\r?\n/);
  return lines.map(printable).join('\n');
}

/** Only its owner may read it: it tells who talked to whom. */
function write(file: string, bytes: Uint8Array, { workingDirectory, terminal }: CommandContext): void {
  try {
    writeFileSync(resolve(workingDirectory, file), bytes, { mode: 0o600 });
  } catch (thrown) {
    throw new SbcError('file-not-written', `cannot write ${file}: ${messageOf(thrown)}`, { file });
  }
  terminal.out(`wrote ${file}\n`);
}
