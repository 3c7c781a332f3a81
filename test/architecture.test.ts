// The layer tool, tested: it must fail on a known violation of each of its rules, and when it saw less than there is.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { layerRules } from '../scripts/check/layer-rules.ts';

const checkout = join(import.meta.dirname, '..');
const trees: string[] = [];

afterAll(() => {
  for (const tree of trees) rmSync(tree, { recursive: true, force: true });
});

/** rule → [the file that breaks it, what it imports]. A type import is written as `type:PATH`. */
const violations: Readonly<Record<string, readonly [from: string, to: string]>> = {
  'no-cycles': ['src/core/a.ts', 'type:src/core/b.ts'],
  resolvable: ['src/core/a.ts', 'src/core/missing.ts'],
  'only-process-composes': ['src/cli/run.ts', 'src/compose.ts'],
  'nobody-imports-main': ['src/admin/api.ts', 'src/main.ts'],
  'main-looks-first': ['src/main.ts', 'src/core/clock.ts'],
  'process-joins': ['src/process.ts', 'src/policy/verdict.ts'],
  'compose-stays-outside': ['src/compose.ts', 'src/cli/run.ts'],
  'embedded-pbx-is-a-peer': ['src/embedded-pbx/embedded-pbx.ts', 'type:src/b2bua/b2bua.ts'],
  'embedded-pbx-is-optional': ['src/b2bua/b2bua.ts', 'type:src/embedded-pbx/embedded-pbx.ts'],
  'supervisor-knows-processes': ['src/supervisor/supervisor.ts', 'type:src/config/schema.ts'],
  'handover-passes-on': ['src/handover/predecessor.ts', 'type:src/compose/keeping/kept-call.ts'],
  'threads-start-anything': ['src/threads/new-thread.ts', 'type:src/media/plane/plane.ts'],
  'core-imports-nothing': ['src/core/a.ts', 'type:src/sip/message/message.ts'],
  'core-has-no-packages': ['src/core/a.ts', 'node:os'],
  'core-draws-chance-in-one-file': ['src/core/a.ts', 'node:crypto'],
  'sip-stands-alone': ['src/sip/dialog/dialog.ts', 'type:src/media/sdp/body.ts'],
  'media-stands-alone': ['src/media/worker/relay.ts', 'src/sip/message/message.ts'],
  'policy-stands-alone': ['src/policy/verdict.ts', 'type:src/config/schema.ts'],
  'native-implements': ['src/media/native/libc.ts', 'type:src/media/plane/messages.ts'],
  'native-is-for-drivers': ['src/media/srtp/cipher.ts', 'type:src/media/native/arena.ts'],
  'plane-speaks-to-workers-by-message': ['src/media/plane/plane.ts', 'src/media/packet-io/packet-io.ts'],
  'worker-code-stays-in-workers': ['src/media/plane/plane.ts', 'type:src/media/worker/relay.ts'],
  'b2bua-connects': ['src/b2bua/b2bua.ts', 'type:src/sip/transport/transport.ts'],
  'b2bua-headers-looks-down': ['src/b2bua/headers/privacy.ts', 'type:src/b2bua/routing/target.ts'],
  'b2bua-routing-looks-down': ['src/b2bua/routing/router.ts', 'type:src/b2bua/call/call-event.ts'],
  'b2bua-call-looks-down': ['src/b2bua/call/call.ts', 'type:src/b2bua/active-call.ts'],
  'b2bua-admission-looks-down': ['src/b2bua/admission/admission.ts', 'type:src/b2bua/transfer/refer.ts'],
  'b2bua-transfer-looks-down': ['src/b2bua/transfer/refer.ts', 'type:src/b2bua/b2bua.ts'],
  'b2bua-requests-looks-down': ['src/b2bua/requests/message-relay.ts', 'type:src/b2bua/transfer/refer.ts'],
  'b2bua-subscription-looks-down': ['src/b2bua/subscription/subscriptions.ts', 'type:src/b2bua/b2bua.ts'],
  'compose-site-looks-down': ['src/compose/site/site.ts', 'type:src/compose/keeping/kept-call.ts'],
  'compose-keeping-looks-down': ['src/compose/keeping/kept-call.ts', 'type:src/compose/nodes/shared-site.ts'],
  'compose-entrance-looks-down': ['src/compose/entrance/ingress.ts', 'type:src/compose/fraud/fraud-guard.ts'],
  'compose-fraud-looks-down': ['src/compose/fraud/fraud-guard.ts', 'type:src/compose/signalling/signalling.ts'],
  'compose-nodes-looks-down': ['src/compose/nodes/shared-site.ts', 'type:src/compose/entrance/ingress.ts'],
  'compose-signalling-looks-down': ['src/compose/signalling/signalling.ts', 'type:src/compose/operation/operations.ts'],
  'compose-operation-looks-down': ['src/compose/operation/operations.ts', 'type:src/compose/sbc.ts'],
  'registration-connects': ['src/registration/registrar.ts', 'type:src/store/memory/location-store.ts'],
  'store-sees-types': ['src/store/memory/location-store.ts', 'src/registration/location.ts'],
  'cdr-sees-types': ['src/cdr/cdr.ts', 'src/b2bua/call/call.ts'],
  'observe-sees-types': ['src/observe/metrics.ts', 'src/media/plane/plane.ts'],
  'admin-sees-types': ['src/admin/api.ts', 'src/store/memory/location-store.ts'],
  'config-sees-types': ['src/config/schema.ts', 'src/policy/verdict.ts'],
  'store-implements-what-observe-declares': ['src/observe/metrics.ts', 'type:src/store/stores.ts'],
  'cli-is-a-client': ['src/cli/run.ts', 'src/admin/api.ts'],
  'pure-folders-do-no-io': ['src/sip/dialog/dialog.ts', 'node:net'],
  'pure-folders-have-no-clock': ['src/b2bua/call/call.ts', 'type:node:timers'],
  'ioredis-at-home': ['src/store/redis/redis-shared-store.ts', 'ioredis'],
  'koffi-at-home': ['src/media/worker/relay.ts', 'koffi'],
  'libphonenumber-js-at-home': ['src/b2bua/b2bua.ts', 'libphonenumber-js'],
  'pino-at-home': ['src/sip/dialog/dialog.ts', 'type:pino'],
  'nodemailer-at-home': ['src/core/clock.ts', 'nodemailer'],
  'prom-client-at-home': ['src/admin/api.ts', 'prom-client'],
  'rate-limiter-flexible-at-home': ['src/b2bua/b2bua.ts', 'rate-limiter-flexible'],
  'smol-toml-at-home': ['src/cli/run.ts', 'smol-toml'],
  'zod-at-home': ['src/sip/dialog/dialog.ts', 'zod'],
  'declared-packages-only': ['src/policy/verdict.ts', 'fast-check'],
  'src-stands-alone': ['src/core/a.ts', 'test/support/fake-time.ts'],
};

test('each rule has a known violation', () => {
  expect(Object.keys(violations).sort()).toEqual(layerRules.map(({ name }) => name ?? '').sort());
});

describe('a tree with a known violation', () => {
  const output = checkLayers(treeOf(Object.values(violations)));

  test('fails', () => {
    expect(output.code).toBe(1);
  });

  test.each(Object.entries(violations))('%s bites', (rule, [from]) => {
    const broken = output.lines.filter((line) => line.startsWith(`${rule}: `));
    expect(broken.filter((line) => line.includes(from))).not.toEqual([]);
  });
});

describe('a tree that keeps the rules', () => {
  const allowed: readonly (readonly [string, string])[] = [
    ['src/main.ts', 'src/process.ts'],
    ['src/process.ts', 'src/compose.ts'],
    ['src/compose.ts', 'src/b2bua/b2bua.ts'],
    ['src/b2bua/b2bua.ts', 'src/sip/user-agent/user-agent.ts'],
    ['src/sip/transport/tls.ts', 'node:tls'],
    ['src/media/native/libc.ts', 'koffi'],
    ['src/store/memory/location-store.ts', 'type:src/registration/location.ts'],
    ['src/store/sqlite/user-store.ts', 'src/sip/auth/sealing.ts'],
    ['test/unit/a.test.ts', 'src/compose.ts'],
  ];

  test('passes', () => {
    const { code, lines } = checkLayers(treeOf(allowed));
    expect(lines).toEqual([`11 of 11 modules of src, ${layerRules.length} rules, 0 violations`]);
    expect(code).toBe(0);
  });
});

describe('a cruise that saw less than there is', () => {
  test('fails when src holds a file that it cannot see', () => {
    const tree = treeOf([['src/core/a.ts', 'src/core/b.ts']]);
    mkdirSync(join(tree, 'src/core/node_modules'));
    writeFileSync(join(tree, 'src/core/node_modules/hidden.ts'), 'export const hidden = 1;\n');
    const { code, lines } = checkLayers(tree);
    expect(lines.at(-1)).toMatch(/saw 2 modules, but src has 3/);
    expect(code).toBe(1);
  });

  test('fails when a room has no rule', () => {
    const { code, lines } = checkLayers(treeOf([['src/lobby/door.ts', 'src/core/a.ts']]));
    expect(lines[0]).toMatch(/^unknown-room: src\/lobby /);
    expect(code).toBe(1);
  });

  test('fails on an empty tree', () => {
    const { code } = checkLayers(treeOf([]));
    expect(code).toBe(1);
  });
});

function checkLayers(tree: string): { readonly code: number | null; readonly lines: readonly string[] } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/check/layers.ts', tree], {
    cwd: checkout,
    encoding: 'utf8',
  });
  return { code: status, lines: `${stdout}${stderr}`.trim().split('\n') };
}

/** A checkout of its own whose files import each other as given; every imported file exists, but for one called missing. */
function treeOf(imports: readonly (readonly [from: string, to: string])[]): string {
  const tree = mkdtempSync(join(tmpdir(), 'portcullis-layers-'));
  trees.push(tree);
  symlinkSync(join(checkout, 'node_modules'), join(tree, 'node_modules'));
  for (const file of ['package.json', 'tsconfig.json']) symlinkSync(join(checkout, file), join(tree, file));
  const lines = new Map<string, string[]>();
  const file = (path: string) => lines.get(path) ?? lines.set(path, []).get(path) ?? [];
  for (const [from, to] of imports) {
    const path = to.replace(/^type:/, '');
    const isFile = path.endsWith('.ts');
    const specifier = isFile ? `${'../'.repeat(from.split('/').length - 1)}${path}` : path;
    file(from).push(to.startsWith('type:') ? `import type {} from '${specifier}';` : `import '${specifier}';`);
    if (isFile && !path.endsWith('/missing.ts')) file(path);
  }
  // Closes the circle of the first rule.
  lines.get('src/core/b.ts')?.push("import type {} from './a.ts';");
  for (const [path, content] of lines) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), `${[...content, 'export {};'].join('\n')}\n`);
  }
  return tree;
}
