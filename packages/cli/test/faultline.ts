/** Runs the command as a user does: a process of its own. */
import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import { fileURLToPath } from "node:url";

export const launcher = fileURLToPath(new URL("../bin/faultline.cjs", import.meta.url));

export function faultline(...args: string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [launcher, ...args], { encoding: "utf8" });
}
