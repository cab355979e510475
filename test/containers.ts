/**
 * Redis and Postgres as production runs them, in containers: for the tests and benchmarks that need
 * the real ones. Where no Docker engine answers they are skipped, and say why.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { StartedTestContainer } from "testcontainers";
import { createMigratedDatabase, freePort } from "./postgres-server.ts";

const run = promisify(execFile);
const ENGINE_TIMEOUT_MS = 5_000;

/** Why containers cannot be used here; null when they can. */
export const noContainers: string | null = await run("docker", ["info"], {
  timeout: ENGINE_TIMEOUT_MS,
}).then(
  () => null,
  () => "no Docker engine answers here (docker info)",
);

/** A server in a container, at one port of this machine for all its lives. */
export interface ContainerServer {
  readonly url: string;
  readonly container: StartedTestContainer;
  /** Ends it at once and starts it again. A Redis has lost everything then. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Redis without persistence: what it held is gone when it restarts. */
export async function startRedis(): Promise<ContainerServer> {
  const { container, port } = await startContainer("redis:8-alpine", 6379, {}, [
    "redis-server",
    "--save",
    "",
    "--appendonly",
    "no",
    "--maxmemory-policy",
    "noeviction",
  ]);
  return server(container, `redis://127.0.0.1:${port}`);
}

export interface PostgresContainer extends ContainerServer {
  /** Makes a database with every migration applied and the partitions of now; answers with its URL. */
  createDatabase(): Promise<string>;
}

/** Postgres with the image's own settings; `url` is its administrative database. */
export async function startPostgresContainer(): Promise<PostgresContainer> {
  const { container, port } = await startContainer(
    "postgres:17-alpine",
    5432,
    { POSTGRES_PASSWORD: "test" },
    ["postgres"],
    // the image starts one to make its cluster, and another to stay
    { text: /database system is ready to accept connections/, times: 2 },
  );
  const url = (name: string): string => `postgres://postgres:test@127.0.0.1:${port}/${name}`;
  let databases = 0;
  return {
    ...server(container, url("postgres")),
    async createDatabase() {
      const name = `faultline_${++databases}`;
      await createMigratedDatabase(url("postgres"), name, url(name));
      return url(name);
    },
  };
}

function server(container: StartedTestContainer, url: string): ContainerServer {
  return {
    url,
    container,
    restart: () => container.restart({ timeout: 0 }),
    close: async () => void (await container.stop({ timeout: 0, removeVolumes: true })),
  };
}

async function startContainer(
  image: string,
  inside: number,
  environment: Record<string, string>,
  command: string[],
  logged?: { readonly text: RegExp; readonly times: number },
): Promise<{ container: StartedTestContainer; port: number }> {
  process.env["TESTCONTAINERS_RYUK_DISABLED"] = "true"; // its image is not needed: every test closes what it starts
  const { GenericContainer, Wait } = await import("testcontainers");
  const port = await freePort();
  const listens = Wait.forListeningPorts();
  const container = await new GenericContainer(image)
    .withExposedPorts({ container: inside, host: port })
    .withEnvironment(environment)
    .withCommand(command)
    .withWaitStrategy(
      logged === undefined
        ? listens
        : Wait.forAll([listens, Wait.forLogMessage(logged.text, logged.times)]),
    )
    .start();
  return { container, port };
}
