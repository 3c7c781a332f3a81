// The direction of a media stream, from the view of whoever states it (RFC 3264 §5.1, §6.1).

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

export function isDirection(text: string): text is Direction {
  return text === 'sendrecv' || text === 'sendonly' || text === 'recvonly' || text === 'inactive';
}

export function sends(direction: Direction): boolean {
  return direction === 'sendrecv' || direction === 'sendonly';
}

export function receives(direction: Direction): boolean {
  return direction === 'sendrecv' || direction === 'recvonly';
}

export function directionOf(sending: boolean, receiving: boolean): Direction {
  if (sending) return receiving ? 'sendrecv' : 'sendonly';
  return receiving ? 'recvonly' : 'inactive';
}

/** `direction` as far as an answer to `offered` may state it: who is not listened to does not send. */
export function clampToOffer(direction: Direction, offered: Direction): Direction {
  return directionOf(sends(direction) && receives(offered), receives(direction) && sends(offered));
}
