/** GET /metrics and /livez for a symbolicator that runs alone. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { collectDefaultMetrics, type Registry } from "@faultline/shared";

export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Adds the process's own figures (`process_…`, `nodejs_…`) and listens; port 0 picks one. */
export async function serveMetrics(
  registry: Registry,
  host: string,
  port: number,
): Promise<MetricsServer> {
  collectDefaultMetrics({ register: registry });
  const server = createServer((request, response) => {
    answer(registry, request, response).catch(() => response.destroy());
  });
  server.listen(port, host);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function answer(
  registry: Registry,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = request.url?.split("?", 1)[0];
  if (request.method === "GET" && path === "/metrics") {
    response.setHeader("content-type", registry.contentType);
    response.end(await registry.metrics());
  } else {
    response.statusCode = request.method === "GET" && path === "/livez" ? 200 : 404;
    response.end(
      response.statusCode === 200 ? "ok\n" : "not found: /metrics and /livez are here\n",
    );
  }
}
