/** Postgres and the queue for a benchmark: Redis and Postgres in containers, else what needs no installing. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { openPool } from "@faultline/shared";
import {
  noContainers,
  startPostgresContainer,
  startRedis,
  type ContainerServer,
} from "../test/containers.ts";
import { startPostgresServer } from "../test/postgres-server.ts";

export interface Storage {
  readonly databaseUrl: string;
  /** Null: the queue is on Postgres. */
  readonly redisUrl: string | null;
  /** For the print: what this is. */
  readonly description: string;
  /** Forgets every job. */
  clearQueue(): Promise<void>;
  /** Memory of the servers, as far as it can be told, in words. */
  memory(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export async function openStorage(): Promise<Storage> {
  return noContainers === null ? await containers() : await embedded(noContainers);
}

async function containers(): Promise<Storage> {
  const [redis, postgres] = await Promise.all([startRedis(), startPostgresContainer()]);
  return {
    databaseUrl: await postgres.createDatabase(),
    redisUrl: redis.url,
    description: "Postgres 17 and Redis 8 in containers",
    clearQueue: async () => void (await redis.container.exec(["redis-cli", "flushall"])),
    memory: async () => [
      `Postgres ${await containerMemory(postgres)}`,
      `Redis ${await containerMemory(redis)}`,
    ],
    close: async () => void (await Promise.all([redis.close(), postgres.close()])),
  };
}

async function embedded(reason: string): Promise<Storage> {
  const server = await startPostgresServer({});
  const databaseUrl = await server.createDatabase();
  return {
    databaseUrl,
    clearQueue: async () => {
      const pool = openPool(databaseUrl, "bench", 1);
      await pool.query("drop schema if exists queue cascade");
      await pool.end();
    },
    redisUrl: null,
    description: `NOT through Redis: ${reason}; embedded Postgres, the queue on it too`,
    memory: async () => [],
    close: () => server.close(),
  };
}

async function containerMemory({ container }: ContainerServer): Promise<string> {
  const args = ["stats", "--no-stream", "--format", "{{.MemUsage}}", container.getId()];
  const { stdout } = await promisify(execFile)("docker", args);
  return stdout.split("/")[0]?.trim() ?? "unknown";
}
