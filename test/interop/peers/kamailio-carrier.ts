// A carrier outside: Kamailio as the trunk that the SBC speaks to over mutual TLS. Its own phones register over UDP without a
// password; what they dial goes to the SBC, to an address or to what a registered account gave as its Contact.
import type { Certificate } from './certificates.ts';
import { startKamailio } from './kamailio.ts';
import type { Host, Lab } from './lab.ts';
import type { PeerProcess } from './peer-process.ts';

export const CARRIER_TLS_PORT = 5061;
export const CARRIER_UDP_PORT = 5060;

/** An account that the SBC registers with, and calls by: everything that the carrier's phones dial reaches it. */
interface CarrierAccount {
  readonly username: string;
  readonly password: string;
  readonly realm: string;
  readonly algorithm: 'MD5' | 'SHA-256';
}

export interface KamailioCarrierOptions {
  readonly name: string;
  readonly host: Host;
  readonly certificate: Certificate;
  /** Authority of the certificates that its peers must show, as clients and as servers. */
  readonly authority: string;
  /** Where calls of its phones go: the SBC's listener, or whoever registered the account. */
  readonly calls: { readonly to: string } | { readonly account: CarrierAccount };
  /** Answers every INVITE with this status instead. */
  readonly refusal?: number | undefined;
}

/** Each INVITE is a line `invite USER from ADDRESS certificate NAME` of its log, each REGISTER one of `register …`. */
export function startKamailioCarrier(lab: Lab, options: KamailioCarrierOptions): Promise<PeerProcess> {
  const { name, host, certificate, authority } = options;
  return startKamailio(lab, {
    name,
    host,
    files: {
      'kamailio.cfg': configuration(options, lab.directory(name)),
      'tls.cfg': ['server', 'client'].map((role) => tlsProfile(role, certificate, authority)).join('\n'),
    },
    ready: { address: host.outside, port: CARRIER_UDP_PORT },
  });
}

function tlsProfile(role: string, { certificate, key }: Certificate, authority: string): string {
  return `[${role}:default]
method = TLSv1.2+
certificate = ${certificate}
private_key = ${key}
ca_list = ${authority}
verify_certificate = yes
require_certificate = yes
`;
}

function configuration(options: KamailioCarrierOptions, directory: string): string {
  const { host, calls, refusal } = options;
  const modules = [
    'tls',
    'kex',
    'corex',
    'tm',
    'tmx',
    'sl',
    'rr',
    'pv',
    'maxfwd',
    'textops',
    'siputils',
    'sanity',
    'xlog',
  ];
  const stores = ['usrloc', 'registrar', 'auth'];
  return `#!KAMAILIO
debug=1
log_stderror=yes
fork=yes
children=1
tcp_children=2
auto_aliases=no
dns=no
rev_dns=no
enable_tls=yes
tcp_connection_lifetime=3605
listen=tls:${host.outside}:${CARRIER_TLS_PORT}
listen=udp:${host.outside}:${CARRIER_UDP_PORT}
${[...modules, ...stores].map((module) => `loadmodule "${module}.so"`).join('\n')}
modparam("tls", "config", "${directory}/tls.cfg")
modparam("usrloc", "db_mode", 0)
modparam("registrar", "max_expires", 3600)
modparam("auth", "algorithm", "${'account' in calls ? calls.account.algorithm : 'MD5'}")
modparam("auth", "qop", "auth")
modparam("tm", "fr_inv_timer", 60000)

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
  if (is_method("OPTIONS")) { sl_send_reply("${refusal ?? 200}", "Ping"); exit; }
  if (is_method("REGISTER")) {
${register(calls)}
    if (!save("location")) { sl_reply_error(); }
    exit;
  }
  if (!is_method("INVITE")) { sl_send_reply("405", "Method Not Allowed"); exit; }
  xlog("L_ERR", "invite $rU from $si certificate $tls_peer_subject_cn\\n");
${refusal === undefined ? '' : `  sl_send_reply("${refusal}", "Refused"); exit;\n`}
  record_route();
  if ($proto == "udp") { route(OUT); }
${inbound(calls)}
  if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
  route(RELAY);
}

route[OUT] {
${outbound(calls)}
}

route[RELAY] {
  if (!t_relay()) { sl_reply_error(); }
  exit;
}
`;
}

function register(calls: KamailioCarrierOptions['calls']): string {
  if (!('account' in calls)) return '';
  const { username, password, realm } = calls.account;
  return `    if ($tU == "${username}") {
      $var(password) = "${password}";
      if (!pv_www_authenticate("${realm}", "$var(password)", "0")) { www_challenge("${realm}", "1"); exit; }
      xlog("L_ERR", "register $tU contact $ct expires $hdr(Expires) certificate $tls_peer_subject_cn\\n");
    }`;
}

/** Calls of a registered account are challenged like its REGISTER. */
function inbound(calls: KamailioCarrierOptions['calls']): string {
  if (!('account' in calls)) return '';
  const { password, realm } = calls.account;
  return `  $var(password) = "${password}";
  if (!pv_proxy_authenticate("${realm}", "$var(password)", "0")) { proxy_challenge("${realm}", "1"); exit; }
  consume_credentials();`;
}

function outbound(calls: KamailioCarrierOptions['calls']): string {
  if (!('account' in calls)) return `  $du = "sip:${calls.to};transport=tls";\n  route(RELAY);`;
  return `  $rU = "${calls.account.username}"; # what was dialled stays in To
  if (!lookup("location")) { sl_send_reply("480", "Not Registered"); exit; }
  route(RELAY);`;
}
