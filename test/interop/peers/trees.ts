// The private Debian trees that the real peers run from: which packages, from which suite, and what each must be able to do.
// A change here makes a new tree (its directory is keyed by this text); nothing is ever installed on the machine itself.

export interface TreeSpec {
  /** Unique, and no beginning of another's. */
  readonly name: string;
  /** The Debian suite; stable ones move only by point releases, sid always, hence the versions in the stamp. */
  readonly suite: string;
  readonly packages: readonly string[];
  /** A command that must run in the finished tree, and what its output must contain. */
  readonly probes: readonly { readonly argv: readonly string[]; readonly expect: RegExp }[];
}

export type TreeName = 'bookworm' | 'sid';

/** Not among `TREES`: only who measures against it fetches it. */
export const NEWEST_RTPENGINE: TreeSpec = {
  name: 'rtpengine',
  suite: 'sid',
  packages: ['rtpengine-daemon'],
  probes: [{ argv: ['/usr/bin/rtpengine', '--version'], expect: /Version: \d+\./ }],
};

export const TREES: readonly TreeSpec[] = [
  {
    name: 'bookworm',
    suite: 'bookworm',
    packages: [
      'baresip-core',
      'kamailio',
      'kamailio-tls-modules',
      'kamailio-extra-modules',
      'rtpengine-daemon',
      'tcpdump',
      'tshark',
      'ffmpeg',
      'iproute2',
      'nftables',
      'openssl',
    ],
    probes: [
      { argv: ['/usr/bin/baresip', '-h'], expect: /baresip v1\./ },
      { argv: ['/usr/sbin/kamailio', '-v'], expect: /version: kamailio 5\./ },
      { argv: ['/usr/bin/rtpengine', '--version'], expect: /Version: 10\./ },
      { argv: ['/usr/bin/tcpdump', '--version'], expect: /tcpdump version/ },
      { argv: ['/usr/bin/tshark', '--version'], expect: /TShark/ },
      { argv: ['/usr/bin/ffmpeg', '-version'], expect: /ffmpeg version/ },
      { argv: ['/usr/bin/openssl', 'version'], expect: /OpenSSL 3/ },
      { argv: ['/usr/sbin/ip', '-V'], expect: /iproute2/ },
      { argv: ['/usr/sbin/nft', '--version'], expect: /nftables v1\./ },
    ],
  },
  {
    // The SIPp of the stable release has neither TLS nor SRTP nor SHA-256; sid's has all three.
    name: 'sid',
    suite: 'sid',
    packages: ['sip-tester'],
    probes: [{ argv: ['/usr/bin/sipp', '-v'], expect: /SIPp v3\.(?:[89]|\d\d).*TLS/ }],
  },
];
