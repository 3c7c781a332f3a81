// Scenarios that SIPp plays for many phones at once, each on a connection of its own. All of them wait for one moment on the wall
// clock, so that what comes before (connections, first registrations) can be kept out of the measurement.
import { scenario } from '../../test/interop/peers/sipp-steps.ts';

/** Registers, waits for `at` (milliseconds since 1970), registers again over the same connection, and stays for `lingerMs`. */
export function registersAgainAt(at: number, lingerMs: number): { readonly xml: string } {
  return scenario(
    'register again',
    ...register('first', 1),
    waitUntil(at),
    ...register('again', 3),
    `<pause milliseconds="${lingerMs}"/>`,
  );
}

/**
 * Connects with a first call, waits for `at`, and makes `calls` calls one after the other with a pause between them; the first one after a time that
 * differs from phone to phone. Each has a Call-ID and branches of its own, since SIPp's own are the same in each turn of a loop.
 */
export function callsFrom(at: number, calls: number, pauseMs: number): { readonly xml: string } {
  return scenario(
    'calls of a phone',
    '<nop><action><assign assign_to="n" value="0"/></action></nop>',
    ...call('first'),
    waitUntil(at),
    `<pause distribution="uniform" min="0" max="${pauseMs}"/>`,
    '<label id="turn"/>',
    '<nop><action><add assign_to="n" value="1"/><test assign_to="more" variable="n" compare="less_than" value="' +
      `${calls}"/></action></nop>`,
    ...call('again'),
    `<pause milliseconds="${pauseMs}" next="turn" test="more"/>`,
  );
}

function waitUntil(at: number): string {
  return [
    '<nop><action>',
    '<gettimeofday assign_to="seconds,micros"/>',
    `<assign assign_to="wait" value="${Math.floor(at / 1_000)}"/>`,
    '<subtract assign_to="wait" variable="seconds"/>',
    '<multiply assign_to="wait" value="1000"/>',
    '<divide assign_to="micros" value="1000"/>',
    '<subtract assign_to="wait" variable="micros"/>',
    '<test assign_to="late" variable="wait" compare="less_than" value="0"/>',
    '</action></nop>',
    '<nop next="now" test="late"/>',
    '<pause variable="wait"/>',
    '<label id="now"/>',
  ].join('\n');
}

function register(timed: string, sequence: number): string[] {
  const send = (number: number, timing: string, more: readonly string[]): string =>
    message(timing, [
      'REGISTER sip:[field3] SIP/2.0',
      via('[branch]'),
      'Max-Forwards: 70',
      'From: <sip:[field0]@[field3]>;tag=r[pid]-[call_number]',
      'To: <sip:[field0]@[field3]>',
      'Call-ID: register///[call_id]',
      `CSeq: ${number} REGISTER`,
      'Contact: <sip:[field0]@[local_ip]:[local_port];transport=[transport]>',
      'Expires: 600',
      ...more,
      'Content-Length: 0',
      '',
    ]);
  return [
    send(sequence, ` start_rtd="${timed}"`, []),
    '<recv response="401" auth="true" timeout="30000"/>',
    send(sequence + 1, '', ['[field1]']),
    `<recv response="200" rtd="${timed}" timeout="30000"/>`,
  ];
}

/** `name` sets the labels apart: a scenario has each of them once. */
function call(name: string): string[] {
  const callId = '[$n]///[call_id]';
  const dialog = (method: string, sequence: number, to: string, branch: string): string[] => [
    via(branch),
    'Max-Forwards: 70',
    ...(to === '[last_To:]' && sequence > 11 ? ['[routes]'] : []),
    'From: <sip:[field0]@[field3]>;tag=i[pid]-[call_number]',
    to,
    `Call-ID: ${callId}`,
    `CSeq: ${sequence} ${method}`,
  ];
  const branchOf = (step: string): string => `z9hG4bK-[pid]-[call_number]-[$n]-${step}`;
  const invite = (sequence: number, timing: string, more: readonly string[]): string =>
    message(timing, [
      'INVITE sip:[field2]@[field3] SIP/2.0',
      ...dialog('INVITE', sequence, 'To: <sip:[field2]@[field3]>', branchOf(String(sequence))),
      'Contact: <sip:[field0]@[local_ip]:[local_port];transport=[transport]>',
      ...more,
      'Content-Type: application/sdp',
      'Content-Length: [len]',
      '',
      'v=0',
      'o=- [pid][call_number] 1 IN IP[media_ip_type] [media_ip]',
      's=-',
      'c=IN IP[media_ip_type] [media_ip]',
      't=0 0',
      'm=audio [auto_media_port] RTP/SAVP 8 101',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      'a=crypto:[cryptotag1audio] [cryptosuiteaescm128sha1801audio] inline:[cryptokeyparams1audio]',
      'a=ptime:20',
      'a=sendrecv',
    ]);
  const inDialog = (method: string, sequence: number, timing: string): string =>
    message(timing, [
      `${method} [next_url] SIP/2.0`,
      ...dialog(method, sequence, '[last_To:]', branchOf(method)),
      'Content-Length: 0',
      '',
    ]);
  return [
    invite(11, '', []),
    '<recv response="100" optional="true"/>',
    `<recv response="407" auth="true" optional="true" next="${name}"/>`,
    '<recv response="401" auth="true"/>',
    `<label id="${name}"/>`,
    message('', [
      'ACK sip:[field2]@[field3] SIP/2.0',
      ...dialog('ACK', 11, '[last_To:]', branchOf('11')),
      'Content-Length: 0',
      '',
    ]),
    invite(12, ` start_rtd="${name}"`, ['[field1]']),
    '<recv response="100" optional="true"/>',
    `<recv response="180" optional="true" rtd="${name}"/>`,
    '<recv response="200" rrs="true"/>',
    inDialog('ACK', 12, ''),
    inDialog('BYE', 13, ''),
    '<recv response="100" optional="true"/>',
    '<recv response="200"/>',
  ];
}

function via(branch: string): string {
  return `Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=${branch};rport`;
}

function message(timing: string, lines: readonly string[]): string {
  return `<send${timing}><![CDATA[\n${lines.map((line) => `      ${line}`).join('\n')}\n\n    ]]></send>`;
}
