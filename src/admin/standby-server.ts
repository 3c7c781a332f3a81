// What a process that stands by answers where the admin API will be: probes that say so, and the order to take over.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Logger } from '../core/logger.ts';
import type { SocketAddress } from '../core/socket-address.ts';
import { createServer } from './node-http.ts';
import { listenOnSocket } from './unix-socket.ts';

export interface StandbyServerOptions {
  readonly socket: string;
  readonly address: SocketAddress | undefined;
  readonly version: string;
  readonly onTakeover: () => void;
  readonly logger: Logger;
}

export class StandbyServer {
  readonly #options: StandbyServerOptions;
  readonly #operator: Server;
  readonly #probe: Server;

  constructor(options: StandbyServerOptions) {
    this.#options = options;
    this.#operator = this.#serve(true);
    this.#probe = this.#serve(false);
  }

  /** Rejects as `listenOnSocket` does; where probes cannot be answered is logged, and no obstacle to standing by. */
  async listen(): Promise<void> {
    const { socket, address } = this.#options;
    await listenOnSocket(this.#operator, socket);
    if (address !== undefined) this.#probe.listen({ host: address.address, port: address.port });
  }

  async close(): Promise<void> {
    await Promise.all(
      [this.#operator, this.#probe].map((server) => {
        return new Promise<void>((resolve) => {
          server.close(() => resolve());
          server.closeAllConnections();
        });
      }),
    );
  }

  #serve(isOperator: boolean): Server {
    const server = createServer({ maxHeaderSize: 8_192, requestTimeout: 5_000 }, (request, response) => {
      this.#answer(request, response, isOperator);
    });
    server.maxConnections = 64;
    server.on('error', (error) => this.#options.logger.error('admin-server-failed', { error: error.message }));
    return server;
  }

  #answer({ method = '', url = '' }: IncomingMessage, response: ServerResponse, isOperator: boolean): void {
    const { version, onTakeover, logger } = this.#options;
    const asked = `${method} ${url}`;
    if (asked === 'GET /healthz') reply(response, 200, { status: 'ok' });
    else if (asked === 'GET /readyz') reply(response, 503, { status: 'standby' });
    else if (isOperator && asked === 'GET /version') reply(response, 200, { version });
    else if (isOperator && asked === 'POST /takeover') {
      logger.warn('takeover-ordered', {});
      reply(response, 202, { state: 'taking-over' });
      onTakeover();
    } else reply(response, 503, { error: { code: 'standby', message: 'this process stands by', errors: [] } });
  }
}

function reply(response: ServerResponse, status: number, document: object): void {
  response.statusCode = status;
  response.setHeader('Content-Type', 'application/json');
  // It may go on as another server in a moment.
  response.setHeader('Connection', 'close');
  response.end(`${JSON.stringify(document)}\n`);
}
