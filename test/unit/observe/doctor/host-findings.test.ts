// Findings about a machine, out of a tree that stands for its /sys and /proc.
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { gatherHostFacts, type HostFacts, readSensors } from '../../../../src/observe/doctor/host-facts.ts';
import { hostFindings, sensorFindings } from '../../../../src/observe/doctor/host-findings.ts';

function tree(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'pc-doctor-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}

async function sensed(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const chip = Object.fromEntries(
    Object.entries(files).map(([name, text]) => [`sys/class/hwmon/hwmon0/${name}`, text]),
  );
  return sensorFindings(await readSensors(tree(chip))).map(({ id, severity }) => `${severity} ${id}`);
}

const healthy: HostFacts = {
  sensors: [],
  uid: 1_000,
  nodeVersion: '24.18.0',
  opensslVersion: '3.5.5',
  files: [],
  certificates: [],
  disk: { path: '/var', freeBytes: 2e9, totalBytes: 100e9 },
  descriptors: 65_536,
  ioUringDisabled: 0,
};
const now = Date.UTC(2026, 10, 27);

function found(facts: Partial<HostFacts>, at = now): readonly string[] {
  return hostFindings({ ...healthy, ...facts }, at).map(({ id, severity }) => `${severity} ${id}`);
}

describe('sensors of Linux hwmon', () => {
  test.each([
    [{ temp1_input: '69000\n', temp1_max: '70000', temp1_crit: '90000' }, []],
    [{ temp1_input: '70000\n', temp1_max: '70000', temp1_crit: '90000' }, ['warning temperature hwmon0/temp1']],
    [{ temp1_input: '90000', temp1_crit: '90000' }, ['critical temperature hwmon0/temp1']],
    [{ temp1_input: '20000', temp1_crit_alarm: '1' }, ['critical temperature hwmon0/temp1']],
    // A chip that knows no bound says 0; one without a value cannot be read today.
    [{ temp1_input: '20000', temp1_max: '0', temp1_crit: '0' }, []],
    [{ temp1_crit: '1' }, []],
    [{ temp1_input: 'N/A', temp1_crit: '1' }, []],
    [{ fan2_input: '900', fan2_min: '600' }, []],
    [{ fan2_input: '500', fan2_min: '600' }, ['warning fan hwmon0/fan2']],
    [{ fan2_input: '0', fan2_alarm: '1' }, ['critical fan hwmon0/fan2']],
    // Where no fan is connected none turns.
    [{ fan2_input: '0' }, []],
    [{ intrusion0_alarm: '1' }, ['critical intrusion hwmon0/intrusion0']],
    [{ intrusion0_alarm: '0' }, []],
  ])('%j', async (files, findings) => {
    expect(await sensed(files)).toEqual(findings);
  });

  test('a machine without sensors says nothing', async () => {
    expect(await readSensors(tree({}))).toEqual([]);
  });
});

describe('the machine', () => {
  test('says nothing when all is well', () => {
    expect(found({})).toEqual([]);
  });

  test.each<[Partial<HostFacts>, string]>([
    [{ uid: 0 }, 'warning root'],
    [{ nodeVersion: '20.19.0' }, 'critical age Node.js'],
    [{ nodeVersion: '25.1.0' }, 'critical age Node.js'],
    [{ opensslVersion: '3.0.17+quic' }, 'critical age OpenSSL'],
    [{ disk: { path: '/var', freeBytes: 9e8, totalBytes: 100e9 } }, 'critical disk'],
    [{ certificates: [{ file: 'a.crt', validUntil: now + 13 * 86_400_000 }] }, 'warning certificate a.crt'],
    [{ certificates: [{ file: 'a.crt', validUntil: now - 1 }] }, 'critical certificate a.crt'],
    [{ files: [{ path: 'k', isSecret: true, mode: 0o640 }] }, 'critical file k'],
    [{ files: [{ path: 'k', isSecret: true, isLent: true, mode: 0o660 }] }, 'critical file k'],
    [{ files: [{ path: 'k', isSecret: true, isLent: true, mode: 0o644 }] }, 'critical file k'],
    [{ files: [{ path: 'c', isSecret: false, mode: 0o644 }] }, 'warning file c'],
  ])('%j: %s', (facts, finding) => {
    expect(found(facts)).toEqual([finding]);
  });

  test.each<Partial<HostFacts>>([
    { nodeVersion: '99.0.0' },
    { opensslVersion: '9.9.9' },
    { uid: undefined },
    { disk: undefined },
    { certificates: [{ file: 'a.crt', validUntil: now + 14 * 86_400_000 }] },
    { files: [{ path: 'c', isSecret: false, mode: 0o640 }] },
    { files: [{ path: 'k', isSecret: true, mode: 0o600 }] },
    { files: [{ path: 'k', isSecret: true, isLent: true, mode: 0o640 }] },
  ])('has nothing against %j', (facts) => {
    expect(found(facts)).toEqual([]);
  });

  test('tells of a Node whose maintenance ends from the day it does', () => {
    expect(found({ nodeVersion: '24.18.0' }, Date.parse('2028-04-29'))).not.toContain('critical age Node.js');
    expect(found({ nodeVersion: '24.18.0' }, Date.parse('2028-04-30'))).toContain('critical age Node.js');
  });

  test.skipIf(process.geteuid?.() !== 0)(
    'knows a key that root lends to the group of the state directory',
    async () => {
      const root = tree({ key: 'x', 'state/x': '' });
      const lentTo = async (group: number): Promise<boolean | undefined> => {
        chownSync(join(root, 'key'), 0, group);
        const files = [{ path: join(root, 'key'), isSecret: true }];
        const facts = await gatherHostFacts({ root, files, certificates: [], stateDirectory: join(root, 'state') });
        return facts.files[0]?.isLent;
      };
      expect(await lentTo(0)).toBe(false);
      chownSync(join(root, 'state'), 990, 990);
      expect(await lentTo(990)).toBe(true);
      expect(await lentTo(991)).toBe(false);
    },
  );

  test('gathers what there is, and leaves out what there is not', async () => {
    const root = tree({
      'proc/self/limits':
        'Limit  Soft Limit  Hard Limit\nMax open files            1024                 524288   files\n',
      'proc/sys/kernel/io_uring_disabled': '2\n',
      key: 'x',
    });
    const files = [join(root, 'key'), join(root, 'missing')].map((path) => ({ path, isSecret: true }));
    const facts = await gatherHostFacts({ root, files, certificates: [join(root, 'key')], stateDirectory: root });
    expect(facts).toMatchObject({ descriptors: 1_024, ioUringDisabled: 2, certificates: [], sensors: [] });
    expect(facts.files.map(({ path }) => path)).toEqual([join(root, 'key')]);
    expect(facts.disk?.totalBytes).toBeGreaterThan(0);
    const bare = await gatherHostFacts({ root: tree({}), files: [], certificates: [], stateDirectory: '/nowhere' });
    expect(bare).toMatchObject({ descriptors: undefined, ioUringDisabled: undefined, disk: undefined });
  });
});
