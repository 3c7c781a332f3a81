// portcullis trace CALL
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { answered } from '../admin/admin-client-exchange.ts';
import { messageOf, SbcError } from '../core/errors.ts';
import { adminClient, adminOptions } from './admin-access.ts';
import { parseArguments } from './arguments.ts';
import { type Command, type CommandContext, exitCodes, UsageError } from './command.ts';
import { printable } from './printable.ts';

const options = {
  ...adminOptions,
  messages: { type: 'boolean', about: 'print the messages instead of the ladder' },
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
  examples: ['trace 3f2a8c51d0e94b77', 'trace 3f2a8c51d0e94b77 --pcap call.pcap'],
  async run(args, context) {
    const { values, positionals } = parseArguments(args, options, ['CALL']);
    const [call = ''] = positionals;
    const { svg, pcap, messages = false, secrets = false } = values;
    if ([svg !== undefined, pcap !== undefined, messages].filter(Boolean).length > 1) {
      throw new UsageError('--svg, --pcap and --messages are one each');
    }
    const form = svg !== undefined ? 'svg' : pcap !== undefined ? 'pcap' : messages ? 'messages' : 'ladder';
    const query = { form, ...(secrets ? { secrets: 'yes' } : {}) };
    const drawn = answered(await adminClient(values, context).trace(call, query));
    const file = svg ?? pcap;
    if (file === undefined) context.terminal.out(shown(drawn));
    else write(file, drawn, context);
    return exitCodes.ok;
  },
};

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
