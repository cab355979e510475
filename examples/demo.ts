/**
 * `npm run demo`: programs of a small shop really crash, and this is what the service makes of them.
 *
 * Uses the server of FAULTLINE_DSN and FAULTLINE_TOKEN when they are set, else starts one of its own for the
 * moment; `npm run demo -- --stay` keeps that one until Ctrl-C. Where there is no python3 the kept deaths
 * of the same programs are sent (kept/, made by keep.ts).
 */
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  awaitGroups,
  awaitNativeSymbols,
  awaitReport,
  listGroups,
  listHosts,
  readText,
  sendCrash,
  uploadSymbols,
  type Group,
} from "./client.ts";
import { buildRanking } from "./ranking-release.ts";
import { serverOf, startAllInOne, type Server } from "./server.ts";
import { findPython, packShop, runs, runShop, type Death } from "./shop-release.ts";

const RELEASE = "demo-1";
const NATIVE_RELEASE = "demo-native-1";
/** Lines shown of the first group's newest crash, and of each other's. */
const SHOWN_LINES = 45;
const SHOWN_LINES_OF_OTHERS = 13;

const { values } = parseArgs({ options: { stay: { type: "boolean", default: false } } });
const folder = await mkdtemp(join(tmpdir(), "faultline-demo-"));
const given = givenServer();
try {
  if (given === null) await withOwnServer();
  else await demonstrate(given);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function withOwnServer(): Promise<void> {
  const server = await startAllInOne(join(folder, "data"));
  say(`server    ${server.url}, started for this demo in an empty folder`);
  try {
    await demonstrate(server);
    if (values.stay) await stay(server);
  } finally {
    await server.stop();
  }
}

async function demonstrate(server: Server): Promise<void> {
  const release = await prepareRelease();
  const { taken, refused } = await uploadSymbols(server, RELEASE, release.symbols);
  say(`symbols   ${taken} files of release ${RELEASE} (compiled modules and their sources)`);
  for (const reason of refused) say(`          refused ${reason}`);
  say("");
  const ids: string[] = [];
  for (const { command, host } of runs) {
    const death = await release.run(command);
    const metadata = { release: RELEASE, environment: "demo", host, pid: death.pid };
    say(`${`shop ${command}`.padEnd(21)} on ${host.padEnd(9)} ${endWords(death)}`);
    if (!died(death)) continue;
    const { pythonVersion } = release;
    ids.push(await sendCrash(server, death.stderr, { ...metadata, pythonVersion }));
  }
  for (const id of ids) await awaitReport(server, id);
  const groups = await listGroups(server, RELEASE);
  await sayGroups(server, ids.length, groups);
  for (const [at, group] of groups.entries()) {
    await sayNewest(server, group, at === 0 ? SHOWN_LINES : SHOWN_LINES_OF_OTHERS);
  }
  await demonstrateNative(server);
  sayNext(server, groups[0]);
}

/** The same for a crash in C: captured by the reporter, with Python and native frames in one stack. */
async function demonstrateNative(server: Server): Promise<void> {
  heading("A crash in an extension module, captured by the reporter");
  const python = await findPython("python3");
  const release = python === null ? "there is no python3" : await buildRanking(python, folder);
  if (typeof release === "string") return say(`skipped: ${release}`);
  say(await release.uploadSymbols(server, NATIVE_RELEASE));
  await awaitNativeSymbols(server);
  say(`shop_app clearance    ${await release.crash(server, NATIVE_RELEASE)}\n`);
  const [group] = await awaitGroups(server, NATIVE_RELEASE);
  if (group !== undefined) say(await readText(server, group.newestCrash));
}

interface Release {
  readonly symbols: Uint8Array<ArrayBuffer>;
  readonly pythonVersion: string;
  run(command: string): Promise<Death>;
}

async function prepareRelease(): Promise<Release> {
  const python = await findPython("python3");
  if (python === null) return await keptRelease();
  say(`python    ${python.version}; every program below really runs and really dies`);
  await packShop(python, folder);
  return {
    symbols: new Uint8Array(await readFile(join(folder, "symbols.zip"))),
    pythonVersion: python.version,
    run: (command) => runShop(python, folder, command),
  };
}

async function keptRelease(): Promise<Release> {
  const kept = new URL("kept/", import.meta.url);
  const { python, deaths } = JSON.parse(await readFile(new URL("deaths.json", kept), "utf8")) as {
    python: string;
    deaths: (Death & { command: string })[];
  };
  say(
    `python    none here: sending deaths kept from an earlier run of the same programs (Python ${python})`,
  );
  return {
    symbols: new Uint8Array(await readFile(new URL("symbols.zip", kept))),
    pythonVersion: python,
    async run(command) {
      const at = deaths.findIndex((death) => death.command === command);
      const [death] = deaths.splice(at, 1);
      if (death === undefined) throw new Error(`no death of shop ${command} was kept`);
      return death;
    },
  };
}

function givenServer(): Server | null {
  const { FAULTLINE_DSN: dsn, FAULTLINE_TOKEN: token } = process.env;
  if (!dsn || !token) return null;
  const server = serverOf(dsn, token);
  say(`server    ${server.url}`);
  return server;
}

function died(death: Death): boolean {
  return death.stderr.trim() !== "";
}

function endWords(death: Death): string {
  const first = death.stderr.trim().split("\n")[0] ?? "";
  return died(death)
    ? `${death.end}: ${first}`
    : `${death.end}: left no dump, so it does not crash on this machine`;
}

async function sayGroups(server: Server, crashes: number, groups: readonly Group[]): Promise<void> {
  heading(`${crashes} crashes are ${groups.length} groups`);
  for (const { id, count, title } of groups) {
    say(`${String(count).padStart(4)} x  ${title}`);
    say(`        on ${(await listHosts(server, id)).join(", ")}`);
  }
}

/** From the stack on: what stands above it was said before. */
async function sayNewest(server: Server, group: Group, most: number): Promise<void> {
  heading(group.title);
  const text = await readText(server, group.newestCrash);
  const [, , ...stack] = text.trimEnd().split("\n\n");
  const lines = stack.join("\n\n").split("\n");
  for (const line of lines.slice(0, most)) say(line);
  const left = lines.length - most;
  if (left > 0) say(`    ... ${left} more lines in /api/v1/crashes/${group.newestCrash}.txt`);
}

function sayNext(server: Server, group: Group | undefined): void {
  const stays = given !== null || values.stay;
  heading(
    stays
      ? "Try next"
      : "Try next, after: npm run demo -- --stay   (or npm start, and your own crashes)",
  );
  const curl = (path: string): void =>
    say(
      `curl -H 'Authorization: Bearer ${stays ? server.token : "TOKEN"}' '${stays ? server.url : "URL"}${path}'`,
    );
  curl("/api/v1/groups?sort=count");
  curl(`/api/v1/groups/${stays && group !== undefined ? group.id : "ID"}`);
  curl(`/api/v1/crashes/${stays && group !== undefined ? group.newestCrash : "ID"}`);
}

async function stay(server: Server): Promise<void> {
  say(`\nThe server stays at ${server.url} until you press Ctrl-C.`);
  await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function heading(text: string): void {
  say(`\n${text}\n${"-".repeat(Math.min(text.length, 100))}`);
}
