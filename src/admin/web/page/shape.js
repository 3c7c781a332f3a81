// What the API answers, as far as the page reads it (src/admin/overview.ts, operations.ts, web-operations.ts).

/**
 * @typedef {{ name: string, role: 'admin' | 'viewer', csrf: string, idleMillis: number, leftMillis: number }} Session
 * @typedef {{ mos?: number, loss: number, jitter: number, roundTrip?: number, oneWay: boolean, encryption: string[] }} Quality
 * @typedef {{ id: string, state: string, caller: string, dialled: string, callee?: string, startedAt: number, answeredAt?: number, halfOf?: { node: string, call?: string }, quality?: Quality }} Call
 * @typedef {{ packets: number, bytes: number }} Traffic
 * @typedef {{ name: string, up?: boolean, registered?: boolean, calls: number }} Trunk
 * @typedef {{ alive: boolean, driver?: string, sessions: number, ran?: number, packets: number, dropped: number }} Worker
 * @typedef {Pick<Overview, 'at' | 'version' | 'state' | 'node' | 'startedAt' | 'calls' | 'media' | 'workers' | 'process'>} Counted
 * @typedef {({ number: number, answers: true } & Counted) | { number: number, answers: false, why: string }} Part
 * @typedef {{
 *   at: number, version: string, state: string, node: string, startedAt: number,
 *   calls: { active: number, answered: number, unanswered: number, refused: number },
 *   relayed: number,
 *   refusals: Record<string, number>,
 *   media: { received: Traffic, sent: Traffic, dropped: Record<string, number> },
 *   workers: Worker[],
 *   process: { ran?: number, residentBytes: number, lag: number },
 *   registrations: number, subscriptions: number, bans: number, holds: number,
 *   trunks: Trunk[],
 *   quality?: { calls: number, mos: number, worst: number, loss: number },
 *   matching: number, list: Call[], processes?: Part[],
 * }} Overview
 * @typedef {{
 *   leg: string, encryption: string, received: Traffic, sent: Traffic, lost: number, jitter: number,
 *   round_trip: number | null, mos: number | null, one_way: boolean, dropped: Record<string, number>,
 * }} Media
 * @typedef {{ call: Call, media: Media[] }} CallDetail
 * @typedef {{
 *   startedAt: number, columns: string[], omitted: number, messages: string[],
 *   steps: { after: number, from: number, to: number, label: string }[],
 * }} Ladder
 * @typedef {{
 *   id: string, caller: string, callee?: string, dialled: string, startedAt: number, endedAt: number, duration: number,
 *   cause: string, status: number, refusal?: string, mos?: number,
 * }} RecentCall
 * @typedef {{ aor: string, contact: string, listener: string, expiresAt: number, alive: boolean, userAgent?: string }} Registration
 * @typedef {{ source: string, account?: string, reason: string, until: number, times: number }} Ban
 * @typedef {{ severity: 'info' | 'warning' | 'critical', kind: string, text: string, firstAt: number, lastAt: number, count: number }} Alert
 * @typedef {{ step: number, endsAt?: number, columns: Record<string, (number | null)[]> }} History
 */

/**
 * What every answer at a glance tells the bar above the views.
 * @typedef {(overview: Overview) => void} Glance
 * A view is shown until another one is; it brings itself up to date when it is asked to.
 * @typedef {{ readonly title: string, readonly root: HTMLElement, readonly refresh: () => Promise<void> }} View
 */

export {};
