/**
 * Makes examples/kept: one release of the shop and the dumps of its deaths, for the demo on machines
 * without Python. To make it anew after a change of shop/:
 *
 *     node examples/keep.ts /usr/bin/python3
 */
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findPython, packShop, runs, runShop } from "./shop-release.ts";

const kept = new URL("kept/", import.meta.url);

const python = await findPython(process.argv[2] ?? "python3");
if (python === null) throw new Error("no Python with faulthandler and ctypes there");
const folder = await mkdtemp(join(tmpdir(), "faultline-keep-"));
await packShop(python, folder);
await rm(kept, { recursive: true, force: true });
await mkdir(kept);
await copyFile(join(folder, "symbols.zip"), new URL("symbols.zip", kept));
const deaths = [];
for (const { command, host } of runs) {
  deaths.push({ command, host, ...(await runShop(python, folder, command)) });
}
await writeFile(
  new URL("deaths.json", kept),
  `${JSON.stringify({ python: python.version, deaths }, null, 2)}\n`,
);
await rm(folder, { recursive: true });
