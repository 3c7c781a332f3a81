// What goes into a mid-registrar and what comes out of it.
import type { Millis } from '../core/clock.ts';

/** What the PBX made of a request of ours. */
export type PbxAnswer =
  /** `seconds`: how long it grants. `holds`: our contact is among those that it lists. */
  | { readonly kind: 'accepted'; readonly seconds: number; readonly holds: boolean }
  /** 423 (RFC 3261 §10.2.8). */
  | { readonly kind: 'too-brief'; readonly minExpires: number }
  /** It does not want this AoR, or not from us. */
  | { readonly kind: 'refused'; readonly status: number }
  /** It could not serve us now. `isSilent`: nothing came, or there was no way there. */
  | { readonly kind: 'failed'; readonly status: number; readonly isSilent: boolean };

export type MidInput =
  /** Phones are registered under `aor`, the last of them for `lifetime`. `settled` answers. */
  | { readonly type: 'bound'; readonly aor: string; readonly lifetime: Millis }
  /** No phone is any more. */
  | { readonly type: 'unbound'; readonly aor: string }
  | { readonly type: 'answered'; readonly aor: string; readonly answer: PbxAnswer }
  /** Of a `probe`. */
  | { readonly type: 'probed'; readonly answer: PbxAnswer }
  | { readonly type: 'timer'; readonly key: TimerKey }
  /** Registrations are not forwarded to this PBX any more. */
  | { readonly type: 'withdraw' };

/** `again`: refresh, or retry. `lapse`: the last binding of a phone is over. */
export type TimerKey = 'probe' | `again ${string}` | `lapse ${string}`;

export type MidOutput =
  /** A REGISTER of `aor`; `seconds` is 0 for one that removes it. */
  | {
      readonly type: 'register';
      readonly aor: string;
      readonly callId: string;
      readonly sequence: number;
      readonly seconds: number;
    }
  /** A REGISTER without Contact, which asks what the PBX holds (RFC 3261 §10.2.3). */
  | { readonly type: 'probe'; readonly aor: string }
  /** Replaces a timer of that key. */
  | { readonly type: 'start'; readonly key: TimerKey; readonly after: Millis }
  | { readonly type: 'stop'; readonly key: TimerKey }
  /** For every `bound` of `aor` without an answer. `status`: undefined when the PBX has it, else why not. */
  | { readonly type: 'settled'; readonly aor: string; readonly status: number | undefined }
  /** For the log. */
  | { readonly type: 'told'; readonly what: 'lost' | 'back' | 'forgot' }
  | { readonly type: 'refused'; readonly aor: string; readonly status: number };
