// A supervisor for this very call of the program, or one for each of its processes: signals go to it, and its exit code is the program's.
import { systemClock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { SystemScheduler } from '../core/scheduler.ts';
import { childLauncher, type LaunchSettings, servingFlags } from './launch-child.ts';
import { lineLogger } from './line-logger.ts';
import { type SupervisedSignal, Supervisor } from './supervisor.ts';
import { SupervisorGroup } from './supervisor-group.ts';

/** `processes`: how many serve side by side, each kept running by itself. */
export async function supervise(
  settings: LaunchSettings,
  processes: number,
  write: (line: string) => void,
): Promise<number> {
  const logger = lineLogger(write, { node: 'supervisor', pid: process.pid });
  const scheduler = new SystemScheduler(systemClock, (thrown) => {
    logger.error('timer-failed', { error: messageOf(thrown) });
  });
  const supervisor = new SupervisorGroup(
    Array.from({ length: processes }, (_, index) => {
      const place = processes === 1 ? undefined : { number: index + 1, of: processes };
      return new Supervisor({
        launch: childLauncher({ ...settings, process: place }, () =>
          logger.warn('flags-refused', { flags: servingFlags }),
        ),
        scheduler,
        logger: place === undefined ? logger : logger.child({ process: place.number }),
      });
    }),
  );
  const signals: readonly SupervisedSignal[] = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2'];
  const handlers = signals.map((signal) => [signal, (): void => supervisor.signal(signal)] as const);
  for (const [signal, handle] of handlers) process.on(signal, handle);
  try {
    return await supervisor.run();
  } finally {
    for (const [signal, handle] of handlers) process.off(signal, handle);
  }
}
