// Scenarios for SIPp put together from steps, for dialogs that one file each would tell over and over: a caller outside (TLS,
// digest, SRTP) and an answerer behind the PBX (UDP, plain RTP).

/** One or more elements of a scenario. */
export type Step = string;

/** Lines of a header section, each `Name: value`. */
type Fields = readonly string[];

export function scenario(name: string, ...steps: readonly Step[]): { readonly xml: string } {
  return {
    xml: `<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="${name}">\n${steps.join('\n')}\n</scenario>\n`,
  };
}

/** Waits for a status; provisional ones that may come before it are given as `optional`. `more`: what must be in the message. */
export function hear(status: number, { optional = [], keep = [], expect = [] }: Hearing = {}): Step {
  const others = optional.map((one) => `<recv response="${one}" optional="true"/>`);
  return [...others, `<recv response="${status}" rrs="true">${actions(keep, expect)}</recv>`].join('\n');
}

/** A 200 that makes an offer, or a provisional that must arrive: then `rseq` keeps its number. */
export function hearOffer(optional: readonly number[], status = 200): Step {
  const line =
    '<ereg regexp="crypto:([0-9]+) AES_CM_128_HMAC_SHA1_80" search_in="msg" check_it="true" assign_to="cryptoline,cryptotag"/>';
  const others = optional.map((one) => `<recv response="${one}" optional="true"/>`);
  const read = '<log message="[$cryptoline]"/>';
  const number =
    status < 200 ? '<ereg regexp=".*" search_in="hdr" header="RSeq:" check_it="true" assign_to="rseq"/>' : '';
  const actionsOfOffer = `<action>${line}${number}${read}</action>`;
  return [...others, `<recv response="${status}" rrs="true">${actionsOfOffer}</recv>`].join('\n');
}

/** `provisional`: answers to a request of ours that may come before. */
export function hearRequest(
  method: string,
  { keep = [], expect = [], provisional = [] }: Omit<Hearing, 'optional'> & { provisional?: readonly number[] } = {},
): Step {
  const others = provisional.map((one) => `<recv response="${one}" optional="true"/>`);
  return [...others, `<recv request="${method}" rrs="true">${actions(keep, expect)}</recv>`].join('\n');
}

interface Hearing {
  readonly optional?: readonly number[];
  /** Headers whose value is kept under a name: `['rseq', 'RSeq']`. */
  readonly keep?: readonly (readonly [name: string, header: string, occurrence?: number])[];
  /** Regular expressions that the message must match, or the call fails. */
  readonly expect?: readonly string[];
}

export function pause(millis: number): Step {
  return `<pause milliseconds="${millis}"/>`;
}

// The caller.

/** An INVITE that is challenged, and the one that answers the challenge under the next CSeq: 12, where nothing else is said. */
export function invite({
  fields = [],
  offers = true,
  sequence = 11,
}: {
  fields?: Fields;
  offers?: boolean;
  sequence?: number;
} = {}): Step {
  const send = (number: number, more: Fields): Step =>
    message([
      'INVITE sip:[field2]@[field3] SIP/2.0',
      ...callerHeaders(number, 'INVITE', '[branch]'),
      'To: <sip:[field2]@[field3]>',
      contact('[field0]'),
      ...more,
      ...fields,
      ...(offers ? secureSdp : ['Content-Length: 0', '']),
    ]);
  return [
    send(sequence, []),
    '<recv response="100" optional="true"/>',
    '<recv response="401" auth="true"/>',
    acknowledgeRefusal(sequence),
    send(sequence + 1, ['[field1]']),
  ].join('\n');
}

/** A SUBSCRIBE that is challenged, and the one that answers the challenge under CSeq 12. */
export function subscribe(event: string, expires: number): Step {
  const send = (sequence: number, more: Fields): Step =>
    message(
      [
        'SUBSCRIBE sip:[field2]@[field3] SIP/2.0',
        ...callerHeaders(sequence, 'SUBSCRIBE', '[branch]'),
        'To: <sip:[field2]@[field3]>',
        contact('[field0]'),
        `Event: ${event}`,
        `Expires: ${expires}`,
        ...more,
        'Content-Length: 0',
        '',
      ],
      ' retrans="500"',
    );
  return [
    send(11, []),
    '<recv response="100" optional="true"/>',
    '<recv response="401" auth="true"/>',
    send(12, ['[field1]']),
  ].join('\n');
}

/** The ACK of a refusal: in the INVITE's transaction, which began three steps before (the INVITE, 100, the refusal). */
export function acknowledgeRefusal(sequence: number): Step {
  return message([
    'ACK sip:[field2]@[field3] SIP/2.0',
    ...callerHeaders(sequence, 'ACK', '[branch-3]'),
    '[last_To:]',
    'Content-Length: 0',
    '',
  ]);
}

/** A request of the caller in its dialog, early or not. */
export function ask(
  method: string,
  sequence: number,
  { fields = [], body = 'none' }: { fields?: Fields; body?: 'none' | 'sdp' | 'sdp-answer' | 'fax' } = {},
): Step {
  const sent = { none: ['Content-Length: 0', ''], sdp: secureSdp, 'sdp-answer': secureAnswer, fax: faxSdp }[body];
  return message(
    [
      `${method} [next_url] SIP/2.0`,
      ...callerHeaders(sequence, method, '[branch]'),
      '[routes]',
      'To: <sip:[field2]@[field3]>[peer_tag_param]',
      ...(method === 'ACK' || method === 'BYE' || method === 'PRACK' ? [] : [contact('[field0]')]),
      ...fields,
      ...sent,
    ],
    method === 'ACK' ? '' : ' retrans="500"',
  );
}

export function hangUp(): Step {
  return [ask('BYE', 40), hear(200)].join('\n');
}

function callerHeaders(sequence: number, method: string, branch: string): Fields {
  return [
    `Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=${branch};rport`,
    'Max-Forwards: 70',
    'From: <sip:[field0]@[field3]>;tag=i[pid]-[call_number]',
    'Call-ID: [call_id]',
    `CSeq: ${sequence} ${method}`,
  ];
}

// The answerer.

/** Takes an INVITE and keeps what answers to it repeat when other requests came in between: two Vias, the PBX's and ours. */
export function takeInvite(expect: readonly string[] = []): Step {
  return hearRequest('INVITE', {
    keep: [
      ['via', 'Via:', 1],
      ['via2', 'Via:', 2],
      ['route', 'Record-Route:'],
      ['from', 'From:'],
      ['to', 'To:'],
      ['cseq', 'CSeq:'],
    ],
    expect,
  });
}

/** A response to that INVITE. */
export function respond(status: string, { fields = [], body = 'none', tag = '1', elsewhere }: Response = {}): Step {
  return message(
    [
      `SIP/2.0 ${status}`,
      'Via:[$via]',
      'Via:[$via2]',
      'Record-Route:[$route]',
      'From:[$from]',
      `To:[$to];tag=u[pid]-[call_number]-${tag}`,
      'Call-ID: [call_id]',
      'CSeq:[$cseq]',
      elsewhere === undefined ? contact('uas') : `Contact: <${elsewhere}>`,
      'Allow: INVITE, ACK, CANCEL, BYE, PRACK, UPDATE',
      ...fields,
      ...(body === 'sdp' ? plainSdp : ['Content-Length: 0', '']),
    ],
    status.startsWith('1') ? '' : ' retrans="500"',
  );
}

interface Response {
  readonly fields?: Fields;
  readonly body?: 'none' | 'sdp';
  readonly tag?: string;
  /** Where a redirect leads. */
  readonly elsewhere?: string;
}

/**
 * Another dialog of the same call of SIPp: an INVITE to `whom` that names the dialog in which `respond` answered with the tag `dialog`, as we see it
 * (RFC 3891), or the ACK of what answered it. The peer must be started with `hasPrefixes`.
 */
export function pickUp(
  options: { readonly whom: string } & (
    | { readonly dialog: string; readonly method?: never; readonly refused?: never }
    | { readonly method: 'ACK'; readonly refused?: boolean }
  ),
): Step {
  const { whom, method = 'INVITE' } = options;
  const isOfDialog = method === 'ACK' && options.refused !== true;
  // The ACK of a refusal has the branch of the INVITE: that was two steps before, with a provisional and the refusal between.
  const branch = method === 'ACK' && options.refused === true ? '[branch-3]' : '[branch]';
  const text = message([
    isOfDialog ? `${method} [next_url] SIP/2.0` : `${method} sip:${whom}@${pickedUpDomain} SIP/2.0`,
    `Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=${branch};rport`,
    ...(isOfDialog ? ['[routes]'] : []),
    'Max-Forwards: 70',
    `From: <sip:reception@${pickedUpDomain}>;tag=p[pid]-[call_number]`,
    method === 'ACK' ? '[last_To:]' : `To: <sip:${whom}@${pickedUpDomain}>`,
    'Call-ID: pick///[call_id]',
    `CSeq: 1 ${method}`,
    ...(options.method === 'ACK'
      ? ['Content-Length: 0', '']
      : [
          contact('uas'),
          'Require: replaces',
          `Replaces: [call_id];to-tag=[$peertag];from-tag=u[pid]-[call_number]-${options.dialog};early-only`,
          ...plainSdp,
        ]),
  ]);
  if (method === 'ACK') return text;
  const read =
    '<ereg regexp="tag=([^;]*)" search_in="var" variable="from" check_it="true" assign_to="fromtag,peertag"/>';
  return [`<nop><action>${read}<log message="[$fromtag]"/></action></nop>`, text].join('\n');
}

const pickedUpDomain = 'pbx.test';

/** 200 to the request that came last, in the dialog. */
export function agree({ fields = [], body = 'none' }: { fields?: Fields; body?: 'none' | 'sdp' } = {}): Step {
  return message([
    'SIP/2.0 200 OK',
    '[last_Via:]',
    '[last_From:]',
    '[last_To:]',
    '[last_Call-ID:]',
    '[last_CSeq:]',
    contact('uas'),
    ...fields,
    ...(body === 'sdp' ? plainSdp : ['Content-Length: 0', '']),
  ]);
}

/** An INVITE of the answerer in the dialog that asks for a fax over T.38, its refusal, and the ACK of that. */
export function faxIsRefused(): Step {
  const request = (method: string, branch: string, to: string, more: Fields): Step =>
    message([
      `${method} [next_url] SIP/2.0`,
      `Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=${branch}`,
      'Max-Forwards: 70',
      '[routes]',
      'From:[$to];tag=u[pid]-[call_number]-1',
      to,
      'Call-ID: [call_id]',
      `CSeq: 51 ${method}`,
      ...more,
    ]);
  return [
    request('INVITE', '[branch]', 'To:[$from]', [contact('uas'), ...faxSdp]),
    '<recv response="100" optional="true"/>',
    '<recv response="488"/>',
    request('ACK', '[branch-3]', '[last_To:]', ['Content-Length: 0', '']),
  ].join('\n');
}

/** 200 to the CANCEL of what `takeInvite` took, whose CSeq was kept under that name; other messages may have come since. */
export function agreeToCancel(sequence: string): Step {
  return message([
    'SIP/2.0 200 OK',
    'Via:[$via]',
    'From:[$from]',
    'To:[$to];tag=u[pid]-[call_number]-1',
    'Call-ID: [call_id]',
    `CSeq:[$${sequence}]`,
    'Content-Length: 0',
    '',
  ]);
}

/** The caller's BYE and its answer. */
export function takeBye(): Step {
  return [hearRequest('BYE'), agree()].join('\n');
}

/** Takes a SUBSCRIBE and keeps what its answer and the NOTIFYs repeat. */
export function takeSubscribe(expect: readonly string[] = []): Step {
  return hearRequest('SUBSCRIBE', {
    keep: [
      ['from', 'From:'],
      ['to', 'To:'],
    ],
    expect,
  });
}

const notifierTag = 'tag=n[pid]-[call_number]';

/** The 200 to the SUBSCRIBE that came last; the first one has no tag of ours yet. */
export function grant(expires: number, isFirst: boolean): Step {
  return message([
    'SIP/2.0 200 OK',
    '[last_Via:]',
    '[last_Record-Route:]',
    '[last_From:]',
    isFirst ? `To:[$to];${notifierTag}` : '[last_To:]',
    '[last_Call-ID:]',
    '[last_CSeq:]',
    contact('uas'),
    `Expires: ${expires}`,
    'Content-Length: 0',
    '',
  ]);
}

export function tell(
  sequence: number,
  state: string,
  { event, type, lines }: { readonly event: string; readonly type: string; readonly lines: Fields },
): Step {
  return message(
    [
      'NOTIFY [next_url] SIP/2.0',
      'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport',
      'Max-Forwards: 70',
      '[routes]',
      `From:[$to];${notifierTag}`,
      'To:[$from]',
      'Call-ID: [call_id]',
      `CSeq: ${sequence} NOTIFY`,
      contact('uas'),
      `Event: ${event}`,
      `Subscription-State: ${state}`,
      `Content-Type: ${type}`,
      'Content-Length: [len]',
      '',
      ...lines,
    ],
    ' retrans="500"',
  );
}

const rtp = ['v=0', 'o=- [pid][call_number] 1 IN IP[media_ip_type] [media_ip]', 's=-'];
const address = ['c=IN IP[media_ip_type] [media_ip]', 't=0 0'];
const codec = ['a=rtpmap:8 PCMA/8000', 'a=ptime:20'];

const plainSdp: Fields = sdp([...rtp, ...address, 'm=audio [media_port] RTP/AVP 8', ...codec]);
/** Answers a late offer: the line of our suite under the tag that `hearOffer` kept. */
const secureAnswer: Fields = sdp([
  ...rtp,
  ...address,
  'm=audio [auto_media_port] RTP/SAVP 8',
  ...codec,
  `a=crypto:[$cryptotag] AES_CM_128_HMAC_SHA1_80 inline:${Buffer.alloc(30, 'key').toString('base64')}`,
]);
const secureSdp: Fields = sdp([
  ...rtp,
  ...address,
  'm=audio [auto_media_port] RTP/SAVP 8',
  ...codec,
  'a=crypto:[cryptotag1audio] [cryptosuiteaescm128sha1801audio] inline:[cryptokeyparams1audio]',
]);

const faxSdp: Fields = sdp([
  ...rtp,
  ...address,
  'm=image [media_port] udptl t38',
  'a=T38FaxVersion:0',
  'a=T38MaxBitRate:14400',
]);

function sdp(lines: Fields): Fields {
  return ['Content-Type: application/sdp', 'Content-Length: [len]', '', ...lines];
}

function contact(user: string): string {
  return `Contact: <sip:${user}@[local_ip]:[local_port];transport=[transport]>`;
}

function message(lines: Fields, attributes = ''): Step {
  return `<send${attributes}><![CDATA[\n${lines.join('\n')}\n]]></send>`;
}

function actions(
  keep: readonly (readonly [name: string, header: string, occurrence?: number])[],
  expect: readonly string[],
): string {
  const kept = keep.map(
    ([name, header, occurrence = 1]) =>
      `<ereg regexp=".*" search_in="hdr" header="${header}" occurrence="${occurrence}" assign_to="${name}"/>`,
  );
  const checked = expect.map((text) => `<ereg regexp="${text}" search_in="msg" check_it="true" assign_to="seen"/>`);
  // SIPp refuses a variable that nobody reads.
  const read = expect.length > 0 ? ['<log message="[$seen]"/>'] : [];
  const all = [...kept, ...checked, ...read];
  return all.length === 0 ? '' : `<action>${all.join('')}</action>`;
}
