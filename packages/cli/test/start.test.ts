/** `faultline start` as a person uses it: a process, a crash, a restart, an end. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { launcher } from "./faultline.ts";

const root = mkdtempSync(join(tmpdir(), "faultline-start-"));
const data = join(root, "data");
const running = new Set<ChildProcess>();
afterAll(() => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(root, { recursive: true });
});

interface Started {
  readonly child: ChildProcess;
  readonly url: string;
  /** All it printed. */
  readonly printed: () => string;
}

/** Resolves when it says that it is ready, with an API to ask. */
async function start(): Promise<Started> {
  const child = spawn(process.execPath, [launcher, "start", "--data", data, "--port", "0"]);
  running.add(child);
  child.once("exit", () => running.delete(child));
  let printed = "";
  const ready = new Promise<string>((done, refuse) => {
    const read = (text: string): void => {
      printed += text;
      const url = /^Everything else: (.*)\/api\/docs$/m.exec(printed)?.[1];
      if (url !== undefined) done(url);
    };
    child.stdout.setEncoding("utf8").on("data", read);
    child.stderr.setEncoding("utf8").on("data", read);
    child.once("exit", () => refuse(new Error(`it ended: ${printed}`)));
  });
  return { child, url: await ready, printed: () => printed };
}

async function stop({ child }: Started, signal: NodeJS.Signals): Promise<number | null> {
  child.kill(signal);
  const [code] = (await once(child, "exit")) as [number | null];
  return code;
}

const credential = (name: string): string =>
  new RegExp(`^${name}=(.+)$`, "m").exec(readFileSync(join(data, "credentials"), "utf8"))?.[1] ??
  "";

/** Asks with the API token until `enough`. */
async function groups(url: string): Promise<{ count: number; title: string }[]> {
  for (const deadline = Date.now() + 20_000; ; await sleep(50)) {
    const answer = await fetch(`${url}/api/v1/groups`, {
      headers: { authorization: `Bearer ${credential("FAULTLINE_TOKEN")}` },
    });
    expect(answer.status).toBe(200);
    const { groups: found } = (await answer.json()) as {
      groups: { count: number; title: string }[];
    };
    if (found.length > 0 || Date.now() > deadline) return found;
  }
}

const dump = `Fatal Python error: Segmentation fault

Current thread 0x00007f3cc0b8b740 (most recent call first):
  File "/srv/shop/cart.py", line 12 in total
  File "/srv/shop/app.py", line 40 in main
`;

test("a crash goes in, its group is there, also after kill -9 and a restart", async () => {
  const first = await start();
  const dsn = credential("FAULTLINE_DSN");
  expect(first.printed()).toContain(`DSN    ${dsn}\n`);
  expect(first.printed()).toContain(`token  ${credential("FAULTLINE_TOKEN")} `);
  expect(dsn).toMatch(new RegExp(`^http://[0-9a-f]{32}@${first.url.slice("http://".length)}/1$`));
  expect(statSync(join(data, "credentials")).mode & 0o777).toBe(0o600);

  const curl = /^ +curl --data-binary @crash\.log -H '(.+): (.+)' (.+)$/m.exec(first.printed());
  const [, header = "", value = "", address = ""] = curl ?? [];
  const sent = await fetch(address, { method: "POST", headers: { [header]: value }, body: dump });
  expect(sent.status).toBe(200);
  expect(await groups(first.url)).toMatchObject([{ count: 1 }]);

  const listed = spawnSync(process.execPath, [launcher, "project", "--data", data], {
    encoding: "utf8",
  });
  expect(JSON.parse(listed.stdout)).toMatchObject({
    slug: "default",
    keys: [{ key: new URL(dsn).username }],
  });

  await stop(first, "SIGKILL");
  const second = await start();
  expect(second.printed()).not.toContain(credential("FAULTLINE_TOKEN"));
  expect(second.printed()).toContain(`token  in ${join(data, "credentials")} `);
  expect(credential("FAULTLINE_DSN")).toContain(second.url.slice("http://".length));
  expect(await groups(second.url)).toMatchObject([{ count: 1 }]);

  expect(await stop(second, "SIGTERM")).toBe(0);
  expect(second.printed().split("/api/docs\n")[1]).toBe(""); // nothing to complain about
}, 90_000);

test("told to stop while it starts, it stops all the same, and leaves nothing behind", async () => {
  const child = spawn(process.execPath, [launcher, "start", "--data", data, "--port", "0"]);
  running.add(child);
  child.once("exit", () => running.delete(child));
  child.stdout.resume();
  const pidFile = join(data, "postgres/postmaster.pid");
  while (!existsSync(pidFile)) await sleep(5);
  child.kill("SIGTERM");
  const [code] = (await once(child, "exit")) as [number | null];
  expect(code).toBe(0);
  expect([existsSync(pidFile), existsSync(join(data, "faultline.pid"))]).toEqual([false, false]);
}, 60_000);

test("when its Postgres dies it says so and ends with 1", async () => {
  const server = await start();
  process.kill(
    Number.parseInt(readFileSync(join(data, "postgres/postmaster.pid"), "utf8"), 10),
    "SIGKILL",
  );
  const [code] = (await once(server.child, "exit")) as [number | null];
  expect(code).toBe(1);
  expect(server.printed()).toMatch(
    /^faultline start: Postgres ended with SIGKILL; see .*postgres\.log$/m,
  );
}, 60_000);

test("a port that is none is refused by name", () => {
  const refused = spawnSync(
    process.execPath,
    [launcher, "start", "--data", data, "--port", "http"],
    {
      encoding: "utf8",
    },
  );
  expect([refused.status, refused.stderr]).toEqual([
    1,
    'faultline start: PORT is "http": wanted a whole number from 0 to 65535\n',
  ]);
});
