// A relay is killed in the middle of a stream, again and again, and another process goes on. What the phone gets is recorded:
// no (key, SSRC, index) may come twice with different contents (RFC 3711 §9.1), and the phone must take what comes.
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Random } from '../../../src/core/random.ts';
import type { DriverName } from '../../../src/media/packet-io/packet-io.ts';
import { Peer } from '../../support/relay-bench.ts';
import { rtp, sequenceOf, ssrcOf } from '../../support/rtp-packets.ts';
import { bound, loopback, sent } from './plane.ts';

const script = fileURLToPath(new URL('killed-relay.ts', import.meta.url));
/** How many packets of before are tried again after a restart, with other contents. */
const repeated = 12;

export interface KillRound {
  readonly driver: DriverName | 'auto';
  readonly random: Random;
  readonly kills: number;
  /** False: the ledger is lost with the process, as on another machine. */
  readonly keepsLedger: boolean;
}

export interface KillOutcome {
  /** Packets at the phone, and at the PBX. */
  readonly atPhone: number;
  readonly atPbx: number;
  /** The same index of the same SSRC came again with other contents. */
  readonly reused: number;
  /** Packets that the phone, or anybody after the phone, could not use. */
  readonly refused: number;
  readonly ssrcs: number;
  /** The ports that each process had. */
  readonly ports: readonly string[];
  /** Lives in which nothing arrived at the phone, or at the PBX. */
  readonly silentLives: number;
}

export async function killRound({ driver, random, kills, keepsLedger }: KillRound): Promise<KillOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'kill-'));
  const [phoneSocket, pbxSocket] = [await bound(), await bound()];
  const record = new Recording(phoneSocket, pbxSocket);
  const places = [folder, String(phoneSocket.address().port), String(pbxSocket.address().port)];
  const ports: string[] = [];
  let child: ChildProcess | undefined;
  let silentLives = 0;
  // The roll-over comes in one of the first lives.
  let sequence = 0xffff - random.below(200);
  let fromPhone = 1;
  try {
    for (let life = 0; life <= kills; life += 1) {
      const started = await start([driver, ...places, join(folder, 'snapshot')]);
      child = started.child;
      ports.push(started.ports);
      const [toPhone = 0, toPbx = 0] = started.ports.split(' ').map(Number);
      if (life > 0) sequence -= repeated;
      const before = [record.atPhone, record.atPbx];
      const length = 40 + random.below(120);
      for (let count = 0; count < length; count += 1) {
        pbxSocket.send(rtp({ sequence, payload: random.bytes(160) }), toPbx, loopback);
        phoneSocket.send(record.phone.protectRtp(rtp({ sequence: fromPhone })), toPhone, loopback);
        sequence += 1;
        fromPhone += 1;
        if (count % 4 === 3) await new Promise((resolve) => setTimeout(resolve, 2));
      }
      if (life === kills) await new Promise((resolve) => setTimeout(resolve, 200));
      // In the middle of what was just sent.
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (record.atPhone === before[0] || record.atPbx === before[1]) silentLives += 1;
      if (!keepsLedger) {
        for (const name of readdirSync(folder).filter((entry) => entry.startsWith('media-ledger')))
          rmSync(join(folder, name));
      }
    }
    return { ...record.outcome(), ports, silentLives };
  } finally {
    child?.kill('SIGKILL');
    phoneSocket.close();
    pbxSocket.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What came to the phone and to the PBX. */
export class Recording {
  readonly phone: Peer;
  atPhone = 0;
  atPbx = 0;
  readonly #seen = new Map<string, string>();
  readonly #ssrcs = new Map<number, { highest: number }>();
  readonly #pbxSeen = new Set<number>();
  #reused = 0;
  #refused = 0;

  constructor(
    phoneSocket: Socket,
    pbxSocket: Socket,
    phone = new Peer(loopback, phoneSocket.address().port, 'AES_CM_128_HMAC_SHA1_80'),
  ) {
    this.phone = phone;
    phoneSocket.on('message', (packet) => this.#toPhone(Uint8Array.from(packet)));
    pbxSocket.on('message', (packet) => this.#toPbx(packet));
  }

  outcome(): Pick<KillOutcome, 'atPhone' | 'atPbx' | 'reused' | 'refused' | 'ssrcs'> {
    const { atPhone, atPbx } = this;
    return { atPhone, atPbx, reused: this.#reused, refused: this.#refused, ssrcs: this.#ssrcs.size };
  }

  #toPhone(packet: Uint8Array): void {
    this.atPhone += 1;
    const ssrc = ssrcOf(packet);
    const known = this.#ssrcs.get(ssrc) ?? { highest: sequenceOf(packet) };
    this.#ssrcs.set(ssrc, known);
    // The nearest index to the highest one (RFC 3711 §3.3.1).
    const ahead = ((sequenceOf(packet) - known.highest) << 16) >> 16;
    const index = known.highest + ahead;
    known.highest = Math.max(known.highest, index);
    const text = Buffer.from(packet).toString('latin1');
    const former = this.#seen.get(`${ssrc}:${index}`);
    if (former !== undefined && former !== text) this.#reused += 1;
    this.#seen.set(`${ssrc}:${index}`, text);
    try {
      this.phone.receiveRtp(sent(packet));
    } catch {
      this.#refused += 1;
    }
  }

  #toPbx(packet: Uint8Array): void {
    this.atPbx += 1;
    if (this.#pbxSeen.has(sequenceOf(packet))) this.#refused += 1;
    this.#pbxSeen.add(sequenceOf(packet));
  }
}

async function start(parameters: readonly string[]): Promise<{ readonly child: ChildProcess; readonly ports: string }> {
  const env = { ...process.env, PORTCULLIS_LOOPBACK: loopback };
  const child = spawn(process.execPath, [script, ...parameters], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (chunk: unknown) => {
    complaint += String(chunk);
  });
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('ports ')) return { child, ports: line.slice('ports '.length) };
  }
  throw new Error(`the relay did not start: ${complaint}`);
}
