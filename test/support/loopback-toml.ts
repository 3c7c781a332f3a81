// The configuration of an SBC all on the loopback: phones over TLS and SRTP outside, an embedded PBX over UDP and RTP inside.

export interface LoopbackToml {
  readonly name: string;
  readonly domain: string;
  /** 0: any. */
  readonly edge: number;
  readonly inside: number;
  readonly pbx: number;
  readonly firstMediaPort: number;
  readonly mediaPorts: number;
  readonly passwords: Iterable<readonly [user: string, password: string]>;
  /** Of `edge.crt` and `edge.key`, from the folder of the file; the same folder unless said otherwise. */
  readonly certificates?: string | undefined;
  /** More of `[sbc]`, `[media]`, `[limits]` and `[admin]`. */
  readonly sbc?: string | undefined;
  readonly media?: string | undefined;
  readonly limits?: string | undefined;
  readonly admin?: string | undefined;
  /** More tables. */
  readonly more?: string | undefined;
}

export function loopbackToml(site: LoopbackToml): string {
  const { name, domain, edge, inside, pbx, firstMediaPort, mediaPorts, passwords, certificates = '.' } = site;
  const { sbc = '', media = '', limits = '', admin = '', more = '' } = site;
  const users = Array.from(passwords, ([user, password]) => `[[user]]\nname = "${user}"\npassword = "${password}"\n`);
  return `
[sbc]
name = "${name}"
${sbc}
[[domain]]
name = "${domain}"
[[network]]
name = "outside"
media = [{ address = "127.0.0.1" }]
encryption = "required"
allow_loopback_media = true
[[network]]
name = "inside"
media = [{ address = "127.0.0.1" }]
encryption = "off"
allow_loopback_media = true
[[listener]]
name = "phones"
network = "outside"
transport = "tls"
address = "127.0.0.1:${edge}"
certificate = "${certificates}/edge.crt"
key = "${certificates}/edge.key"
[[listener]]
name = "to-pbx"
network = "inside"
transport = "udp"
address = "127.0.0.1:${inside}"
[[pbx]]
name = "main"
listener = "to-pbx"
uri = "sip:127.0.0.1:${pbx}"
accept_from = ["127.0.0.1"]
[media]
ports = "${firstMediaPort}-${firstMediaPort + mediaPorts - 1}"
workers = 1
${media}
[limits]
${limits}
[admin]
socket = "var/admin.sock"
${admin}
${more}
${users.join('')}`;
}
