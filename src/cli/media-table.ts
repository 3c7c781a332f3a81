// How the media of calls is, a row for each media line and side.
import type { AdminClient } from '../admin/admin-client.ts';

export const mediaTitles = [
  'LEG',
  'ENCRYPTION',
  'RECEIVED',
  'SENT',
  'LOST',
  'JITTER ms',
  'ROUND TRIP ms',
  'MOS',
  'DROPPED',
] as const;

export type CallMedia = Extract<Awaited<ReturnType<AdminClient['call']>>, { readonly ok: true }>['value'];

export function mediaRow(entry: CallMedia['media'][number]): readonly string[] {
  const { leg, encryption, received, sent, lost, jitter, round_trip, mos, one_way, dropped } = entry;
  const drops = Object.entries(dropped).map(([reason, count]) => `${count} ${reason}`);
  return [
    leg,
    encryption,
    `${received.packets}`,
    `${sent.packets}`,
    `${lost}`,
    `${jitter}`,
    round_trip === null ? '-' : `${round_trip}`,
    mos === null ? '-' : mos.toFixed(2),
    // What came and was not taken tells why a side is silent.
    [...(one_way ? ['silent'] : []), ...drops].join(', '),
  ];
}
