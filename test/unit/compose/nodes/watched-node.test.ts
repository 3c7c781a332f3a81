// Which files of the configuration are looked after.
import { expect, onTestFinished, test } from 'vitest';
import { watchAll } from '../../../../src/compose/nodes/watched-node.ts';
import { readConfig } from '../../../../src/config/load.ts';
import { silentLogger } from '../../../../src/core/logger.ts';
import type { HostPlaces } from '../../../../src/observe/doctor/host-facts.ts';
import { FakeScheduler } from '../../../support/fake-time.ts';
import { least } from '../../config/least-config.ts';

const phones = `
[[network]]
name = "outside"
media = [{ address = "192.0.2.1" }]
[[listener]]
name = "phones"
network = "outside"
transport = "tls"
address = "192.0.2.1:5061"
advertise = "sbc.example.com:5061"
certificate = "a.crt"
key = "a.key"
certificates = [{ names = ["other.example.com"], certificate = "b.crt", key = "b.key" }]
`;

test('looks after the certificates and keys of a listener for its other names too', () => {
  const read = readConfig(`${least}\n${phones}`, '/etc/portcullis/portcullis.toml');
  if (!read.ok) throw new Error(read.error.map(({ message }) => message).join('\n'));
  const scheduler = new FakeScheduler();
  let places: HostPlaces | undefined;
  const watch = watchAll({
    config: () => read.value,
    configFile: '/etc/portcullis/portcullis.toml',
    stateDirectory: '/var/lib/portcullis',
    workersLost: () => 0,
    scheduler,
    logger: silentLogger,
    onAlert: () => {},
    reload: async () => {},
    gather: (asked) => {
      places = asked;
      return Promise.reject(new Error('nothing is known'));
    },
  });
  onTestFinished(() => watch.close());
  scheduler.advance(60_000);
  expect(places?.certificates).toEqual(['/etc/portcullis/a.crt', '/etc/portcullis/b.crt']);
  const keys = places?.files.filter(({ isSecret }) => isSecret).map(({ path }) => path);
  expect(keys).toEqual(expect.arrayContaining(['/etc/portcullis/a.key', '/etc/portcullis/b.key']));
});
