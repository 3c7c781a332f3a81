// A machine on which koffi does not load: nothing here may import it, and importing it fails.
import { registerHooks } from 'node:module';
import { systemClock } from '../../src/core/clock.ts';
import { ArenaError } from '../../src/media/native/arena.ts';
import { check, checkEqual, type NativeCase } from './case.ts';
import { play } from './support/script.ts';

function hideKoffi(): void {
  registerHooks({
    resolve: (specifier, context, next) => {
      if (specifier === 'koffi') throw new Error('koffi is not for this machine');
      return next(specifier, context);
    },
  });
}

const falls: NativeCase = {
  name: 'auto takes dgram, says why, and works in memory without addresses',
  run: async () => {
    hideKoffi();
    const { openPacketIo } = await import('../../src/media/packet-io/open-packet-io.ts');
    const opened = await openPacketIo('auto', { clock: systemClock, maxSockets: 8, callerBytes: 4096, packetSlots: 8 });
    const { io, arena, hasNative, probes } = opened;
    checkEqual([io.driver, hasNative], ['dgram', false], 'driver');
    checkEqual(
      probes.map(({ usable }) => usable),
      [false, false, true],
      'usable',
    );
    check(probes[0]?.reason?.includes('koffi is not for this machine') === true, `reason: ${probes[0]?.reason}`);
    await play(io, function* (stage) {
      const [sender, receiver] = [yield* stage.open(), yield* stage.open()];
      stage.send(sender, stage.addressOf(receiver), 'hello');
      yield* stage.arrival(receiver);
    });
    let refused: unknown;
    try {
      arena.address(arena.allocate(8), 8);
    } catch (thrown) {
      refused = thrown;
    }
    check(refused instanceof ArenaError, 'an address was formed');
    io.dispose();
  },
};

const limit: NativeCase = {
  name: 'the descriptor limit is read from /proc',
  run: async () => {
    hideKoffi();
    const { readDescriptorLimit } = await import('../../src/media/packet-io/descriptor-limit.ts');
    const read = await readDescriptorLimit();
    check(read !== undefined && read >= 64, `limit: ${read}`);
  },
};

export const cases = [falls, limit];
