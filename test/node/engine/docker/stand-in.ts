/** A small HTTP server stands for engines of other versions and moods than the one at hand. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class StandIn implements AsyncDisposable {
  readonly socketPath: string;
  /** The address of every request, in order. */
  readonly asked: string[] = [];
  readonly #folder: string;
  readonly #server: Server;

  private constructor(folder: string, server: Server) {
    this.#folder = folder;
    this.#server = server;
    this.socketPath = join(folder, 'docker.sock');
  }

  /** What `answers` leaves unanswered is answered as by an engine with nothing in it. */
  static async open(
    apiVersion: () => string,
    answers: RequestListener = () => {},
  ): Promise<StandIn> {
    const server = createServer((request, response) => {
      const { url = '' } = request;
      standIn.asked.push(url);
      response.setHeader('Api-Version', apiVersion());
      response.setHeader('Content-Type', 'application/json');
      answers(request, response);
      if (response.headersSent || request.url === HANGING) return;
      response.end(url.includes('/version') ? '{"Version":"9.9"}' : '[]');
    });
    const standIn = new StandIn(await mkdtemp(join(tmpdir(), 'docker-')), server);
    server.listen(standIn.socketPath);
    await once(server, 'listening');
    return standIn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await rm(this.#folder, { recursive: true });
  }
}

/** A request whose `url` is set to this is never answered. */
export const HANGING = 'never';
