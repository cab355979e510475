/**
 * Process that sends crashes and measures what a client sees. Takes one order as JSON on its command
 * line, prints one result as JSON.
 *
 * Without `rate` every connection sends its next crash when the last is answered (closed loop: what the
 * server takes at most). With `rate` crashes leave by the clock, however long the answers take (open loop: what
 * a client waits at that load).
 */
import { platform } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { openConnection, type Answer, type Connection } from "./connection.ts";
import { crashRequests, randomNumbers, type CrashRequest } from "./crash-load.ts";

export interface LoadOrder {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly key: string;
  /** Crashes to send. */
  readonly count: number;
  readonly connections: number;
  readonly seed: number;
  /** Releases that the crashes are of. */
  readonly releases: number;
  /** Crashes a second; null: as many as go. */
  readonly rate: number | null;
  /** Share of the accepted crashes that are asked for until they can be read; needs `token`. */
  readonly watch: number;
  readonly token: string | null;
}

export interface LoadResult {
  readonly accepted: number;
  /** Answers other than 200 and broken connections, by what was seen. */
  readonly refused: Readonly<Record<string, number>>;
  readonly seconds: number;
  /** Milliseconds from POST to its answer, sorted. */
  readonly answered: readonly number[];
  /** Milliseconds from POST to the report being readable, sorted. */
  readonly visible: readonly number[];
  /** Share of one core that this process used. */
  readonly cpu: number;
  /** Bytes. */
  readonly memory: number;
}

const WATCHERS = 24;
const POLL_MS = 4;
const GIVE_UP_MS = 60_000;

async function run(order: LoadOrder): Promise<LoadResult> {
  const next = crashRequests(order.path, order.key, order.seed, order.releases);
  const lottery = randomNumbers(order.seed + 1);
  const connections = open(order, order.connections);
  const watchers = order.watch > 0 ? openWatchers(order) : [];
  const answered: number[] = [];
  const visible: number[] = [];
  const refused: Record<string, number> = {};
  const watches: Promise<void>[] = [];
  const cpuBefore = process.cpuUsage();
  const started = performance.now();

  async function sendOne(connection: Connection, crash: CrashRequest): Promise<void> {
    const sent = performance.now();
    const { status } = await connection.send(crash.bytes).catch(toAnswer);
    if (status !== 200) {
      refused[status] = (refused[status] ?? 0) + 1;
      return;
    }
    answered.push(performance.now() - sent);
    if (lottery() >= order.watch) return;
    const watcher = watchers.pop();
    if (watcher === undefined) return;
    const seen = awaitReport(watcher, order, crash.id).then((found) => {
      if (found) visible.push(performance.now() - sent);
      watchers.push(watcher);
    });
    watches.push(seen);
  }

  if (order.rate === null) await closedLoop(connections, order.count, next, sendOne);
  else await openLoop(connections, order.count, order.rate, next, sendOne);
  const seconds = (performance.now() - started) / 1000;
  const used = process.cpuUsage(cpuBefore);
  await Promise.all(watches);
  for (const connection of [...connections, ...watchers]) connection.close();
  return {
    accepted: answered.length,
    refused,
    seconds,
    answered: answered.toSorted((a, b) => a - b),
    visible: visible.toSorted((a, b) => a - b),
    cpu: (used.user + used.system) / 1e6 / seconds,
    memory: process.memoryUsage.rss(),
  };
}

const open = (order: LoadOrder, count: number): Connection[] =>
  Array.from({ length: count }, () => openConnection(order.host, order.port));

/** One local address each, where the system has them: the service counts queries by address. */
const openWatchers = (order: LoadOrder): Connection[] =>
  Array.from({ length: WATCHERS }, (_, at) =>
    openConnection(order.host, order.port, platform === "linux" ? `127.0.1.${at + 1}` : undefined),
  );

const toAnswer = (error: Error): Answer => ({ status: 0, body: error.message });

type Send = (connection: Connection, crash: CrashRequest) => Promise<void>;

async function closedLoop(
  connections: readonly Connection[],
  count: number,
  next: () => CrashRequest,
  send: Send,
): Promise<void> {
  let left = count;
  await Promise.all(
    connections.map(async (connection) => {
      while (left-- > 0) await send(connection, next());
    }),
  );
}

async function openLoop(
  connections: readonly Connection[],
  count: number,
  rate: number,
  next: () => CrashRequest,
  send: Send,
): Promise<void> {
  const idle = [...connections];
  const started = performance.now();
  const underWay: Promise<void>[] = [];
  for (let sent = 0; sent < count;) {
    const due = Math.min(count, Math.floor(((performance.now() - started) / 1000) * rate));
    while (sent < due && idle.length > 0) {
      sent += 1;
      const connection = idle.pop() as Connection; // the loop's condition
      underWay.push(send(connection, next()).then(() => void idle.push(connection)));
    }
    await sleep(1);
  }
  await Promise.all(underWay);
}

/** Whether the report could be read before we gave up. */
async function awaitReport(watcher: Connection, order: LoadOrder, id: string): Promise<boolean> {
  const request = Buffer.from(
    `GET ${order.path}/${id} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${order.token}\r\n\r\n`,
  );
  for (const end = performance.now() + GIVE_UP_MS; performance.now() < end; await sleep(POLL_MS)) {
    const { status, body } = await watcher.send(request).catch(toAnswer);
    if (status === 200 && !body.includes('"report":null')) return true;
  }
  return false;
}

const result = await run(JSON.parse(process.argv[2] ?? "{}") as LoadOrder);
process.stdout.write(JSON.stringify(result));
