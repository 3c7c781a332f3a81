// The packet filter of one host: the sets that an operator makes for banned sources, and a rule that drops what is in them.
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host, Lab } from './lab.ts';
import { runCommand } from './run-command.ts';

/** As `[bans] nft_set` names it. */
export const BANNED_SET = 'inet filter banned';

const RULES = `table inet filter {
  set banned { type ipv4_addr; flags timeout; }
  set banned6 { type ipv6_addr; flags interval, timeout; }
  chain input {
    type filter hook input priority 0;
    ip saddr @banned counter drop
    ip6 saddr @banned6 counter drop
  }
}
`;

export class Nftables {
  /** A folder with the command `nft`, for PATH. */
  readonly folder: string;
  readonly #enter: readonly string[];
  readonly #program: readonly string[];

  private constructor(folder: string, enter: readonly string[], program: readonly string[]) {
    this.folder = folder;
    this.#enter = enter;
    this.#program = program;
  }

  static async open(lab: Lab, host: Host): Promise<Nftables> {
    const folder = lab.directory('nftables');
    const program = ['chroot', lab.peers.roots.bookworm, '/usr/sbin/nft'];
    const file = join(folder, 'nft');
    writeFileSync(file, `#!/bin/sh\nexec ${program.join(' ')} "$@"\n`);
    chmodSync(file, 0o755);
    const enter = host.holder === undefined ? [] : ['nsenter', `--net=/proc/${host.holder}/ns/net`];
    const filter = new Nftables(folder, enter, program);
    await runCommand([...enter, ...program, '-f', '-'], { input: RULES });
    return filter;
  }

  /** The elements of the set of that family, as `nft` lists them. */
  async banned(family: 4 | 6 = 4): Promise<string> {
    const set = family === 4 ? BANNED_SET : `${BANNED_SET}6`;
    const listed = await runCommand([...this.#enter, ...this.#program, 'list', 'set', ...set.split(' ')]);
    return /elements = \{([^}]*)\}/.exec(listed)?.[1]?.trim() ?? '';
  }

  /** Packets of IPv4 that the rule has dropped. */
  async dropped(): Promise<number> {
    const listed = await runCommand([
      ...this.#enter,
      ...this.#program,
      'list',
      'table',
      ...BANNED_SET.split(' ').slice(0, 2),
    ]);
    return Number(/ip saddr @banned counter packets (\d+)/.exec(listed)?.[1] ?? 0);
  }
}
