// The reference SBC: Kamailio with TLS and digest outside, UDP inside, a cap of calls per user, and rtpengine for the media
// (SRTP with SDES outside, plain RTP inside). Portcullis is measured beside it, and peers are proven against it.

import type { Certificate } from './certificates.ts';
import { startKamailio } from './kamailio.ts';
import type { Host, Lab } from './lab.ts';
import type { PeerProcess } from './peer-process.ts';
import { RTPENGINE_CONTROL_PORT } from './rtpengine.ts';

export const SBC_TLS_PORT = 5061;
export const SBC_UDP_PORT = 5060;

/** Leaves AES_CM_128_HMAC_SHA1_80: rtpengine 10.5 can only say which suites not to offer. */
const REFUSED_SUITES = [
  ...['AEAD_AES_256_GCM', 'AEAD_AES_128_GCM', 'AES_256_CM_HMAC_SHA1_80', 'AES_256_CM_HMAC_SHA1_32'],
  ...['AES_192_CM_HMAC_SHA1_80', 'AES_192_CM_HMAC_SHA1_32', 'AES_CM_128_HMAC_SHA1_32'],
  ...['F8_128_HMAC_SHA1_80', 'F8_128_HMAC_SHA1_32', 'NULL_HMAC_SHA1_80', 'NULL_HMAC_SHA1_32'],
]
  .map((suite) => `SDES-no-${suite}`)
  .join(' ');

export interface KamailioSbcOptions {
  readonly host: Host;
  /** `address:port` of the PBX, UDP. */
  readonly pbx: string;
  readonly domain: string;
  readonly certificate: Certificate;
  /** User → password. */
  readonly users: Readonly<Record<string, string>>;
  readonly algorithm?: 'MD5' | 'SHA-256' | undefined;
  /** Simultaneous calls that one user may place. */
  readonly callsPerUser?: number | undefined;
  /** UDP workers and TCP workers each. */
  readonly children?: number | undefined;
  readonly connections?: number | undefined;
  readonly sharedMemoryMb?: number | undefined;
  readonly privateMemoryMb?: number | undefined;
  readonly cpus?: string | undefined;
  readonly name?: string | undefined;
}

/** Starts it; the rtpengine of the same host must run already. */
export function startKamailioSbc(lab: Lab, options: KamailioSbcOptions): Promise<PeerProcess> {
  return startKamailio(lab, {
    name: options.name ?? 'kamailio-sbc',
    host: options.host,
    files: { 'kamailio.cfg': configuration(lab, options), 'tls.cfg': tlsConfiguration(options.certificate) },
    ready: { address: options.host.inside, port: SBC_UDP_PORT },
    sharedMemoryMb: options.sharedMemoryMb,
    privateMemoryMb: options.privateMemoryMb,
    cpus: options.cpus,
  });
}

function tlsConfiguration({ certificate, key }: Certificate): string {
  return `[server:default]
method = TLSv1.2+
certificate = ${certificate}
private_key = ${key}
verify_certificate = no
require_certificate = no
[client:default]
method = TLSv1.2+
verify_certificate = no
`;
}

function configuration(lab: Lab, options: KamailioSbcOptions): string {
  const { host, pbx, domain, callsPerUser = 2, children = 2, connections = 4_096 } = options;
  const directory = lab.directory(options.name ?? 'kamailio-sbc');
  const core = [
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
  const features = ['usrloc', 'registrar', 'auth', 'htable', 'dialog', 'nathelper', 'rtpengine'];
  const users = Object.entries(options.users).map(([user, password]) => `  $sht(password=>${user}) = "${password}";`);
  return `#!KAMAILIO
debug=1
log_stderror=yes
fork=yes
children=${children}
tcp_children=${children}
auto_aliases=no
alias="${domain}"
dns=no
rev_dns=no
enable_tls=yes
tcp_connection_lifetime=3605
tcp_max_connections=${connections}
tls_max_connections=${connections}
listen=tls:${host.outside}:${SBC_TLS_PORT} name "outside"
listen=udp:${host.inside}:${SBC_UDP_PORT} name "inside"
${[...core, ...features].map((name) => `loadmodule "${name}.so"`).join('\n')}
modparam("tls", "config", "${directory}/tls.cfg")
modparam("usrloc", "db_mode", 0)
modparam("nathelper|registrar", "received_avp", "$avp(received)")
modparam("auth", "algorithm", "${options.algorithm ?? 'MD5'}")
modparam("auth", "qop", "auth")
modparam("htable", "htable", "password=>size=14;")
modparam("dialog", "profiles_with_value", "caller")
modparam("dialog", "default_timeout", 7200)
modparam("rr", "enable_double_rr", 1)
modparam("rtpengine", "rtpengine_sock", "udp:${host.inside}:${RTPENGINE_CONTROL_PORT}")

event_route[htable:mod-init] {
${users.join('\n')}
  return;
}

request_route {
  if (!mf_process_maxfwd_header("70")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (!sanity_check("17895", "7")) { exit; }
  if (is_method("CANCEL")) {
    if (t_check_trans()) { rtpengine_delete(); t_relay(); }
    exit;
  }
  if (has_totag()) {
    if (!loose_route()) {
      if (is_method("ACK")) { if (t_check_trans()) { t_relay(); } exit; }
      sl_send_reply("481", "Call Does Not Exist");
      exit;
    }
    if (is_method("BYE")) { rtpengine_delete(); }
    handle_ruri_alias();
    if (has_body("application/sdp")) { route(OFFER); }
    t_on_reply("ANSWER");
    t_relay();
    exit;
  }
  if (is_method("ACK")) { exit; }
  t_check_trans();
  if (is_method("OPTIONS")) { sl_send_reply("200", "OK"); exit; }
  force_rport();
  if ($Rn == "outside") {
    route(AUTHENTICATE);
    if (is_method("REGISTER")) {
      fix_nated_register();
      if (!save("location")) { sl_reply_error(); }
      exit;
    }
    if (!is_method("INVITE")) { sl_send_reply("405", "Method Not Allowed"); exit; }
    add_contact_alias();
    get_profile_size("caller", "$fU", "$var(calls)");
    if ($var(calls) >= ${callsPerUser}) { sl_send_reply("486", "Busy Here"); exit; }
    dlg_manage();
    set_dlg_profile("caller", "$fU");
    record_route();
    $du = "sip:${pbx};transport=udp";
    $fs = "udp:${host.inside}:${SBC_UDP_PORT}";
  } else {
    if (!is_method("INVITE")) { sl_send_reply("405", "Method Not Allowed"); exit; }
    if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
    dlg_manage();
    record_route();
  }
  route(OFFER);
  t_on_reply("ANSWER");
  t_on_failure("FAILED");
  if (!t_relay()) { rtpengine_delete(); sl_reply_error(); }
}

route[OFFER] {
  if ($Rn == "outside") {
    rtpengine_offer("replace-origin direction=outside direction=inside ICE=remove DTLS=off RTP/AVP");
  } else {
    rtpengine_offer("replace-origin direction=inside direction=outside ICE=remove DTLS=off RTP/SAVP ${REFUSED_SUITES}");
  }
}

onreply_route[ANSWER] {
  if ($Rn == "outside") { add_contact_alias(); }
  if (has_body("application/sdp")) { rtpengine_answer("replace-origin"); }
}

failure_route[FAILED] {
  if (t_is_canceled()) { exit; }
  rtpengine_delete();
}

route[AUTHENTICATE] {
  if ($au == $null || $au != $fU || $sht(password=>$au) == $null) { route(CHALLENGE); }
  if (is_method("REGISTER")) {
    if (!pv_www_authenticate("${domain}", "$sht(password=>$au)", "0")) { route(CHALLENGE); }
  } else {
    if (!pv_proxy_authenticate("${domain}", "$sht(password=>$au)", "0")) { route(CHALLENGE); }
  }
  consume_credentials();
}

route[CHALLENGE] {
  if (is_method("REGISTER")) { www_challenge("${domain}", "1"); } else { proxy_challenge("${domain}", "1"); }
  exit;
}
`;
}
