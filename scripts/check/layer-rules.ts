// Who may import whom, for dependency-cruiser (docs/architecture.md has the table and its reasons). Type imports count. test/architecture.test.ts holds
// one known violation for each rule here, and fails when a rule has none.

import type { ICruiseOptions, IForbiddenRuleType, IRegularForbiddenRuleType } from 'dependency-cruiser';

const ioModules = 'net|tls|dgram|http|https|http2|fs|fs/promises|dns|dns/promises|worker_threads|child_process|cluster';
const clockModules = 'timers|timers/promises|process|perf_hooks|os|v8|vm|readline|repl|inspector|sqlite';

export const layerRules: IForbiddenRuleType[] = [
  never('no-cycles', 'An import cycle hides which room depends on which; types count.', {}, { circular: true }),
  never('resolvable', 'What cannot be resolved cannot be checked.', {}, { couldNotResolve: true }),
  never(
    'only-process-composes',
    'compose.ts knows every room, so whoever imports it does too: only process.ts may.',
    { path: '^src/', pathNot: '^src/(process|compose)\\.ts$|^src/compose/' },
    { path: '^src/compose(\\.ts$|/)' },
  ),
  never('nobody-imports-main', 'main.ts is the process; it is started, not imported.', {}, { path: '^src/main\\.ts$' }),
  only(
    'main-looks-first',
    'main.ts looks at the Node before anything else is read.',
    '^src/main\\.ts$',
    '^src/process\\.ts$',
  ),
  only('process-joins', 'process.ts joins the command line with the composition root.', '^src/process\\.ts$', [
    '^src/(core|cli|supervisor)/',
    '^src/(compose|version)\\.ts$',
  ]),
  never(
    'compose-stays-outside',
    'The composition root does not know its operators.',
    { path: '^src/compose(\\.ts$|/)' },
    { path: '^src/cli/' },
  ),
  only(
    'embedded-pbx-is-a-peer',
    'The embedded PBX is a peer like any other: it speaks SIP and media, and shares no state.',
    '^src/embedded-pbx/',
    ['^src/(core|embedded-pbx|sip)/', '^src/media/(plane|sdp|rtp)/'],
  ),
  never(
    'embedded-pbx-is-optional',
    'Nothing that serves calls depends on the embedded PBX.',
    { path: '^src/', pathNot: '^src/(embedded-pbx/|compose\\.ts$|compose/)' },
    { path: '^src/embedded-pbx/' },
  ),

  only(
    'supervisor-knows-processes',
    'What keeps a process running loads nothing of what that process does.',
    '^src/supervisor/',
    '^src/(core|supervisor)/',
  ),
  only(
    'handover-passes-on',
    'How one process takes the place of another, whatever it is that changes hands.',
    '^src/handover/',
    [
      '^src/(core|handover)/',
      '^src/supervisor/messages\\.ts$',
      '^src/media/plane/media-plane\\.ts$',
      '^src/media/native/',
    ],
  ),

  only('threads-start-anything', 'How a thread is started, whatever it runs.', '^src/threads/', '^src/(core|threads)/'),

  only('core-imports-nothing', 'core holds what has no protocol in it.', '^src/core/', '^src/core/'),
  never(
    'core-has-no-packages',
    'core needs nothing but itself; random.ts draws from node:crypto.',
    { path: '^src/core/' },
    { dependencyTypes: ['core', 'npm', 'npm-dev', 'npm-optional', 'npm-peer'], pathNot: '^(node:)?crypto$' },
  ),
  never(
    'core-draws-chance-in-one-file',
    'Only core/random.ts asks the process for randomness.',
    { path: '^src/core/', pathNot: '^src/core/random\\.ts$' },
    { path: '^(node:)?crypto$' },
  ),
  only('sip-stands-alone', 'sip speaks; it neither decides, connects nor carries.', '^src/sip/', '^src/(core|sip)/'),
  only('media-stands-alone', 'media carries; it does not know what a call is.', '^src/media/', [
    '^src/(core|media)/',
    '^src/threads/new-thread\\.ts$',
  ]),
  only('policy-stands-alone', 'policy decides on facts that it is given.', '^src/policy/', '^src/(core|policy)/'),

  only('native-implements', 'native knows core and the interfaces that it implements.', '^src/media/native/', [
    '^src/core/',
    '^src/media/native/',
    '^src/media/srtp/(cipher|key-derivation|profile)\\.ts$',
    '^src/media/rtp/(packet-memory|rtp-packet)\\.ts$',
    '^src/media/dtls/',
  ]),
  never(
    'native-is-for-drivers',
    'Addresses and foreign functions stay behind the packet drivers, DTLS, the worker, and what passes sockets on.',
    { path: '^src/', pathNot: '^src/media/(native|packet-io|dtls|worker)/|^src/handover/descriptors\\.ts$' },
    { path: '^src/media/native/' },
  ),
  only(
    'plane-speaks-to-workers-by-message',
    'The plane reaches a worker by URL and messages, never by its code.',
    '^src/media/plane/',
    [
      '^src/core/',
      '^src/threads/new-thread\\.ts$',
      '^src/media/(plane|sdp)/',
      '^src/media/srtp/(profile|index-record)\\.ts$',
      '^src/media/dtls/(dtls-terms|fingerprint|identity)\\.ts$',
      '^src/media/packet-io/(descriptor-ledger|memory-record)\\.ts$',
    ],
  ),
  never(
    'worker-code-stays-in-workers',
    'What runs in a worker is imported by nothing on the main thread.',
    { path: '^src/', pathNot: '^src/media/worker/' },
    { path: '^src/media/worker/' },
  ),
  only('b2bua-connects', 'b2bua joins legs through the user agent, the media plane and policy.', '^src/b2bua/', [
    '^src/(core|b2bua|policy)/',
    '^src/sip/(user-agent|message)/',
    '^src/media/(plane|sdp)/',
  ]),
  ...storeys('b2bua', {
    headers: [],
    routing: ['headers'],
    call: ['headers', 'routing'],
    admission: ['headers', 'routing', 'call'],
    transfer: ['headers', 'routing', 'call', 'admission'],
    requests: ['headers', 'routing', 'call', 'admission'],
    subscription: ['headers', 'routing', 'call', 'admission', 'requests'],
  }),
  ...storeys('compose', {
    site: [],
    keeping: ['site'],
    entrance: ['site'],
    fraud: ['site', 'entrance'],
    nodes: ['site', 'keeping', 'fraud'],
    signalling: ['site', 'keeping', 'entrance', 'fraud', 'nodes'],
    operation: ['site', 'keeping', 'nodes', 'signalling'],
  }),
  only(
    'registration-connects',
    'registration knows who is reachable where, through the user agent.',
    '^src/registration/',
    ['^src/(core|registration|policy)/', '^src/sip/(user-agent|message)/', '^src/media/(plane|sdp)/'],
  ),
  ...['store', 'cdr', 'observe', 'admin', 'config'].map((room) => {
    // What a store keeps of a password, and how it is sealed, is defined once, beside what checks it.
    // And what a one-time code is worth is a rule of policy, applied inside of the transaction that notes it.
    const known =
      room === 'store'
        ? ['^src/sip/auth/(credentials|sealing)\\.ts$', '^src/policy/totp\\.ts$', '^src/threads/new-thread\\.ts$']
        : [];
    return never(
      `${room}-sees-types`,
      `${room} implements or shows what other rooms declare: their types only.`,
      { path: `^src/${room}/` },
      { path: '^src/', pathNot: [`^src/(core|${room})/`, ...known], dependencyTypesNot: ['type-only'] },
    );
  }),
  never(
    'store-implements-what-observe-declares',
    'Journals and figures that are told are declared by who tells them; the store implements them.',
    { path: '^src/observe/' },
    { path: '^src/store/' },
  ),
  only(
    'cli-is-a-client',
    'A command reads files and stores, or asks the running process through the admin client.',
    '^src/cli/',
    [
      '^src/(core|cli|config|store|cdr)/',
      '^src/admin/[^/]*client[^/]*\\.ts$',
      // What a password must be is a rule of policy, and the commands that set one hold to it.
      '^src/policy/(password-policy|totp)\\.ts$',
      // What is wrong with the machine is found by the command and by the running SBC alike.
      '^src/observe/doctor/',
    ],
  ),

  never(
    'pure-folders-do-no-io',
    'A pure folder is handed its bytes; it opens nothing.',
    {
      path: '^src/(sip/(message|transaction|dialog|auth)|media/(sdp|rtp|srtp|dtls)|policy|b2bua/call)/',
    },
    { path: `^(node:)?(${ioModules})$` },
  ),
  never(
    'pure-folders-have-no-clock',
    'A pure folder takes time from outside and starts nothing by itself.',
    {
      path: '^src/(sip/(message|transaction|dialog|auth)|media/(sdp|rtp|srtp|dtls)|policy|b2bua/call)/',
    },
    { path: `^(node:)?(${clockModules})$` },
  ),

  ...Object.entries({
    ioredis: '^src/store/redis/ioredis-client\\.ts$',
    koffi: '^src/media/native/',
    nodemailer: '^src/observe/alerts/mail\\.ts$',
    'libphonenumber-js': '^src/policy/',
    pino: '^src/observe/',
    'prom-client': '^src/observe/',
    'rate-limiter-flexible': '^src/(policy|store)/',
    'smol-toml': '^src/config/',
    zod: '^src/(config|admin)/|^src/cli/(explain|calls-past)\\.ts$|^src/observe/alerts/alert-spool\\.ts$',
  }).map(([library, home]) =>
    never(
      `${library}-at-home`,
      `${library} is used in one place, behind an interface of ours.`,
      { path: '^src/', pathNot: home },
      { path: `(^|/)node_modules/${library}/` },
    ),
  ),
  never(
    'declared-packages-only',
    'The published package carries its dependencies, not those of development.',
    { path: '^src/' },
    { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
  ),
  never(
    'src-stands-alone',
    'The product knows nothing of its tests and tools.',
    { path: '^src/' },
    { path: '^(test|bench|demo|scripts|tools)/' },
  ),
];

/** The folders of src that the rules above speak of; a new one needs a rule first. */
export const knownRooms = [
  'admin',
  'b2bua',
  'cdr',
  'cli',
  'compose',
  'config',
  'core',
  'embedded-pbx',
  'handover',
  'media',
  'observe',
  'policy',
  'registration',
  'sip',
  'store',
  'supervisor',
  'threads',
];

export const cruiseOptions: ICruiseOptions = {
  tsPreCompilationDeps: true,
  tsConfig: { fileName: 'tsconfig.json' },
  doNotFollow: { path: 'node_modules' },
  enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  validate: true,
  ruleSet: { forbidden: layerRules },
};

/** Folders within a room, the lowest first: each imports, within its room, itself and what is named. The files beside them stand above all. */
function storeys(room: string, below: Readonly<Record<string, readonly string[]>>): IForbiddenRuleType[] {
  return Object.entries(below).map(([folder, lower]) =>
    only(
      `${room}-${folder}-looks-down`,
      `What stands in ${room}/${folder} knows only what it stands on.`,
      `^src/${room}/${folder}/`,
      [`^src/(?!${room}/)`, `^src/${room}/(${[folder, ...lower].join('|')})/`],
    ),
  );
}

/** A rule that lets `from` import, out of src, only what matches one of `allowed`. */
function only(name: string, comment: string, from: string, allowed: string | string[]): IForbiddenRuleType {
  return never(name, comment, { path: from }, { path: '^src/', pathNot: allowed });
}

function never(
  name: string,
  comment: string,
  from: IRegularForbiddenRuleType['from'],
  to: IRegularForbiddenRuleType['to'],
): IForbiddenRuleType {
  return { name, comment, severity: 'error', from, to };
}
