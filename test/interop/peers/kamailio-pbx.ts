// The PBX behind the SBC: Kamailio as registrar and proxy on UDP. Its own phones register without a password and speak
// plain RTP; calls for the SBC's users go back to the SBC's inside listener; some numbers have a fixed answer.
import { startKamailio } from './kamailio.ts';
import type { Host, Lab } from './lab.ts';
import type { PeerProcess } from './peer-process.ts';

export const PBX_PORT = 5060;

export interface KamailioPbxOptions {
  readonly host: Host;
  /** `address:port` of the SBC's inside UDP listener. */
  readonly sbc: string;
  /** Users who are reached through the SBC; everybody else must be registered here or have a contact. */
  readonly sbcUsers: readonly string[];
  readonly domain: string;
  /** User part → SIP URI, or several that are called at once, for peers that do not register. */
  readonly contacts?: Readonly<Record<string, string | readonly [string, string]>> | undefined;
  readonly name?: string | undefined;
  /** Processes that read UDP; default 1, since more of them can swap a 180 and the 200 behind it. */
  readonly children?: number | undefined;
  readonly cpus?: string | undefined;
}

/** User parts with a fixed answer: 486, 603, ringing without end, 404. */
const PBX_NUMBERS = { busy: 'busy', declined: 'reject', ringing: 'noanswer', unknown: 'nobody' } as const;

export function startKamailioPbx(lab: Lab, options: KamailioPbxOptions): Promise<PeerProcess> {
  return startKamailio(lab, {
    name: options.name ?? 'kamailio-pbx',
    host: options.host,
    files: { 'kamailio.cfg': configuration(options) },
    ready: { address: options.host.inside, port: PBX_PORT },
    cpus: options.cpus,
  });
}

function configuration(options: KamailioPbxOptions): string {
  const { host, sbc, domain } = options;
  const entries = [
    ...options.sbcUsers.map((user) => `  $sht(sbc=>${user}) = 1;`),
    ...Object.entries(options.contacts ?? {}).flatMap(([user, uris]) => {
      const [first, second] = typeof uris === 'string' ? [uris] : uris;
      const branch = second === undefined ? [] : [`  $sht(branch=>${user}) = "${second}";`];
      return [`  $sht(contact=>${user}) = "${first}";`, ...branch];
    }),
  ];
  const modules = ['kex', 'corex', 'tm', 'tmx', 'sl', 'rr', 'pv', 'maxfwd', 'textops', 'siputils', 'sanity', 'xlog'];
  const stores = ['usrloc', 'registrar', 'htable'];
  return `#!KAMAILIO
debug=1
log_stderror=yes
fork=yes
children=${options.children ?? 1}
disable_tcp=yes
auto_aliases=no
dns=no
rev_dns=no
listen=udp:${host.inside}:${PBX_PORT}
${[...modules, ...stores].map((name) => `loadmodule "${name}.so"`).join('\n')}
modparam("usrloc", "db_mode", 0)
modparam("registrar", "max_expires", 3600)
modparam("htable", "htable", "sbc=>size=10;")
modparam("htable", "htable", "contact=>size=8;")
modparam("htable", "htable", "branch=>size=8;")
modparam("tm", "fr_inv_timer", 60000)

event_route[htable:mod-init] {
${entries.join('\n')}
  return;
}

request_route {
  if (!mf_process_maxfwd_header("70")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (!sanity_check("17895", "7")) { exit; }
  if (is_method("CANCEL")) { if (t_check_trans()) { t_relay(); } exit; }
  if (has_totag()) {
    if (loose_route()) { route(RELAY); }
    if (is_method("ACK")) { if (t_check_trans()) { t_relay(); } exit; }
    sl_send_reply("481", "Call Does Not Exist");
    exit;
  }
  if (is_method("ACK")) { exit; }
  t_check_trans();
  if (is_method("OPTIONS")) { sl_send_reply("200", "OK"); exit; }
  if (is_method("REGISTER")) {
    xlog("L_ALERT", "register $tU contact $ct expires $hdr(Expires)\n");
    if (!save("location")) { sl_reply_error(); }
    exit;
  }
  if (!is_method("INVITE|SUBSCRIBE")) { sl_send_reply("405", "Method Not Allowed"); exit; }
  record_route();
  switch ($rU) {
    case "${PBX_NUMBERS.busy}": sl_send_reply("486", "Busy Here"); exit;
    case "${PBX_NUMBERS.declined}": sl_send_reply("603", "Decline"); exit;
    case "${PBX_NUMBERS.ringing}": if (t_newtran()) { t_reply("180", "Ringing"); } exit;
  }
  if ($sht(sbc=>$rU) != $null) {
    $ru = "sip:" + $rU + "@${domain}";
    $du = "sip:${sbc};transport=udp";
    route(RELAY);
  }
  if ($sht(contact=>$rU) != $null) {
    if ($sht(branch=>$rU) != $null) { append_branch("$sht(branch=>$rU)"); }
    $ru = $sht(contact=>$rU);
    route(RELAY);
  }
  $rd = "${domain}"; # its phones are all of one domain, however the caller wrote it
  if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
  route(RELAY);
}

route[RELAY] {
  if (!t_relay()) { sl_reply_error(); }
  exit;
}
`;
}
