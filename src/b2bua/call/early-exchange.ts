// An offer in an early dialog (UPDATE, PRACK) that crosses to the one on the other leg as an UPDATE (RFC 3311, RFC 3262 §5).
// Both sides must have settled their first offer reliably; else the asker is told to come again.
import type { Body } from '../../sip/user-agent/session.ts';
import type { CallInput, CallOutput, LegId } from './call-event.ts';
import { type Face, settled } from './caller-faces.ts';
import { Exchange, type ExchangeStep } from './exchange.ts';

export class EarlyExchange {
  readonly face: Face;
  readonly #exchange: Exchange;

  private constructor(face: Face, exchange: Exchange) {
    this.face = face;
    this.#exchange = exchange;
  }

  /** Undefined while the first offer of either side is not settled. */
  static of(asker: LegId, face: Face | undefined): EarlyExchange | undefined {
    const early = settled(face);
    if (face === undefined || early === undefined) return undefined;
    const callee = face.attempt.leg.withSdp(early);
    const [from, to] = asker === 'a' ? [face.leg, callee] : [callee, face.leg];
    return new EarlyExchange(face, new Exchange(from, to, 'UPDATE'));
  }

  begin(body: Body | undefined): ExchangeStep {
    return this.#inDialog(this.#exchange.begin(body));
  }

  /** Undefined when the input does not concern it. */
  handle(input: CallInput): ExchangeStep | undefined {
    const step = this.#exchange.handle(input);
    return step === undefined ? undefined : this.#inDialog(step);
  }

  /** The call is answered, or this early dialog over, before the other side answered: what was in force stays. */
  giveUp(): readonly CallOutput[] {
    return this.#exchange.giveUp(491).outputs;
  }

  #inDialog({ outputs, next }: ExchangeStep): ExchangeStep {
    const { number, earlyId } = this.face;
    const named = outputs.map((output) =>
      output.type === 'reinvite' ? { ...output, dialog: output.leg === 'a' ? String(number) : earlyId } : output,
    );
    return { outputs: named, next };
  }
}
