// What somebody at the other end of a leg says of media, where it differs from the network's: PBX, trunk, user or group.
import type { Keying } from '../../media/sdp/sdp-policy.ts';

/** Under the names of the configuration. */
export interface OwnMedia {
  readonly keying?: readonly Keying[] | undefined;
  readonly codecs?: readonly string[] | undefined;
  readonly video?: boolean | undefined;
  readonly media_packets_per_second?: number | undefined;
  readonly media_bandwidth?: number | undefined;
  readonly media_limit_by_codec?: boolean | undefined;
}

/** A user's own word, or its group's where it has none. */
export function inheritedMedia(user: OwnMedia, group: OwnMedia): OwnMedia {
  return {
    keying: user.keying ?? group.keying,
    media_packets_per_second: user.media_packets_per_second ?? group.media_packets_per_second,
    media_bandwidth: user.media_bandwidth ?? group.media_bandwidth,
    media_limit_by_codec: user.media_limit_by_codec ?? group.media_limit_by_codec,
  };
}

/** True when a user of that group has something of its own by it. */
export function speaksOfMedia(group: OwnMedia): boolean {
  return Object.values(inheritedMedia({}, group)).some((value) => value !== undefined);
}

export const knownGroupsLimits = {
  /** Users of the database whose group is remembered; beyond it those who were looked up longest ago are forgotten. */
  users: 100_000,
} as const;

/** The groups of users of the database as they were looked up last, for where nobody can wait for the database. */
export class KnownGroups {
  readonly #groups = new Map<string, string>();

  note(aor: string, group: string | undefined): void {
    this.#groups.delete(aor);
    if (group === undefined) return;
    this.#groups.set(aor, group);
    if (this.#groups.size <= knownGroupsLimits.users) return;
    for (const oldest of this.#groups.keys()) {
      this.#groups.delete(oldest);
      return;
    }
  }

  of(aor: string): string | undefined {
    return this.#groups.get(aor);
  }
}
