import { describe, expect, test } from 'vitest';
import { AdminClient } from '../../../src/admin/admin-client.ts';
import { ProcessesClient } from '../../../src/admin/processes-client.ts';
import { mostListedRegistrations, selectRegistrations } from '../../../src/admin/registration-query.ts';
import { operationsOfAll } from '../../../src/admin/web/operations-of-all.ts';
import { err, ok } from '../../../src/core/result.ts';
import { serve } from './admin-fixture.ts';
import { WebSite } from './web/web-fixture.ts';

function phone(name: string, alive = true, userAgent?: string) {
  const contact = `sip:${name}@192.0.2.1`;
  return { aor: `${name}@pbx.test`, contact, listener: 'phones', expiresAt: 1, alive, userAgent };
}

const many = Array.from({ length: 1_500 }, (_, index) => phone(`u${String(index).padStart(4, '0')}`));

function process(...phones: readonly ReturnType<typeof phone>[]): ReturnType<typeof serve> {
  return serve({ registrations: () => Promise.resolve(phones) });
}

describe('phones that are asked for', () => {
  test('match by user, contact or user agent, and are the first of them', () => {
    const phones = [phone('carol', true, 'Yealink T46'), phone('bob'), phone('alice', true, 'yealink T41')];
    const found = (match: string, limit?: number) => {
      const { matching, registrations } = selectRegistrations(phones, { match, limit });
      return [matching, ...registrations.map(({ aor }) => aor.split('@')[0])];
    };
    expect(found('', 2)).toEqual([3, 'alice', 'bob']);
    expect(found('YEALINK', 1)).toEqual([2, 'alice']);
    expect(found('sip:bob', 9)).toEqual([1, 'bob']);
    expect(found('')).toEqual([3, 'carol', 'bob', 'alice']);
    expect(found('', 0)).toEqual([3]);
  });

  test('are all of them over the socket where no limit is given, as the command line wants them', async () => {
    const { socket } = await process(...many);
    const client = new AdminClient(socket);
    expect(await client.registrations()).toMatchObject({ ok: true, value: { length: 1_500 } });
    const page = await client.registrationPage({ match: 'u001', limit: 2 });
    expect(page).toEqual(ok({ matching: 10, registrations: [phone('u0010'), phone('u0011')] }));
    const next = await client.registrationPage({ match: 'u001', limit: 2, offset: 2 });
    expect(next).toEqual(ok({ matching: 10, registrations: [phone('u0012'), phone('u0013')] }));
    const tooMany = await client.registrationPage({ match: '', limit: mostListedRegistrations + 1 });
    expect(tooMany).toMatchObject(err({ code: 'malformed' }));
  });

  test('are one list of several processes, each of which says no more than was asked for', async () => {
    const [one, two] = [
      await process(phone('dave'), phone('alice', false), phone('bob'), phone('carol')),
      await process(phone('carol', false), phone('bob', false), phone('alice'), phone('dave', false)),
    ];
    const client = new ProcessesClient([one.socket, two.socket]);
    expect(await client.registrationPage({ match: '', limit: 2 })).toEqual(
      ok({ matching: 4, registrations: [phone('alice'), phone('bob')] }),
    );
    expect(await client.registrationPage({ match: '', limit: 2, offset: 2 })).toEqual(
      ok({ matching: 4, registrations: [phone('carol'), phone('dave')] }),
    );
    expect(await client.registrations()).toMatchObject({ ok: true, value: { length: 4 } });
  });

  test('are 200 in the browser, and how many there are', async () => {
    const sockets = [(await process(...many)).socket, (await process(...many)).socket] as const;
    const carol = await (await WebSite.open(operationsOfAll(new ProcessesClient(sockets)))).signedIn();
    const usual = await carol.get('/api/registrations');
    expect(usual.json()).toMatchObject({ matching: 1_500, registrations: { length: 200 } });
    const wanted = await carol.get('/api/registrations?match=U1499&limit=10');
    expect(wanted.json()).toMatchObject({ matching: 1, registrations: [{ aor: 'u1499@pbx.test' }] });
    expect((await carol.get('/api/registrations?limit=20000')).status).toBe(400);
  });
});
