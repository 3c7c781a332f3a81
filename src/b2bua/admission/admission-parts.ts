// What admission is made of, what it is asked, and what it answers.
import type { EpochMillis } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { AccessFacts } from '../../policy/access.ts';
import type { AlertSink } from '../../policy/alert.ts';
import type { CallFacts, PolicyEngine } from '../../policy/policy-engine.ts';
import type { SiteNumbers } from '../../policy/site-numbers.ts';
import type { Refusal, RuleTrace } from '../../policy/verdict.ts';
import type { Flow, Identity } from '../../sip/user-agent/session.ts';
import type { Admission } from '../call/call-event.ts';
import type { Directory } from '../routing/directory.ts';
import type { Router, RouteVia } from '../routing/router.ts';
import type { Callee } from '../routing/target.ts';
import type { ChargedCalls } from './charging.ts';

export type AdmissionOutcome<T extends Callee = Callee> =
  | { readonly kind: 'admitted'; readonly admission: Admission<T> }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly trace: readonly RuleTrace[] };

/** How an INVITE came in. */
export interface WayIn {
  readonly listener: string;
  /** The id of the call that it begins; a MESSAGE begins none. */
  readonly call?: string;
  /** A MESSAGE, SUBSCRIBE or NOTIFY: rules and restrictions hold for its number as for a call's, and none is an emergency call. */
  readonly isNoCall?: true;
  /** Whose call it is for routes, rules and limits, where not the caller's: it redirects the call. */
  readonly charged?: Identity;
  /** Of a redirect: whom the answer names as who forwards the call. Believed of the trusted only. */
  readonly diverter?: string | undefined;
  /** Of a redirect: what a PBX is given, so that its own call is told to be the other half of this one. */
  readonly token?: string;
  /**
   * What it came over, or what is to be taken for where it came from. `asked`: whether the caller may come from there was asked before, of
   * the request that led to it.
   */
  readonly from?: { readonly flow: Flow } | { readonly facts: AccessFacts } | 'asked';
  /** As of when it is decided, where not now: somebody only asks what would be. */
  readonly at?: EpochMillis | undefined;
  /** Where it goes whatever the routes say: it is no call. */
  readonly via?: RouteVia;
}

export interface AdmissionParts {
  readonly directory: Directory;
  readonly router: Router;
  readonly numbers: SiteNumbers;
  readonly charges: ChargedCalls;
  readonly circumstances: Circumstances;
  readonly onAlert: AlertSink;
  /** Where emergency calls go; undefined: where any call would. */
  readonly emergencyVia: RouteVia | undefined;
  readonly policy: PolicyEngine;
  readonly logger: Logger;
}

/** What routes and policy are told of a moment, of this one where none is named; compose knows clocks, zones and what is held against whom. */
export interface Circumstances {
  now(at?: EpochMillis): Pick<CallFacts, 'at' | 'localTime' | 'restrictions' | 'freePorts' | 'isStoreLost'>;
}
