/**
 * The builder process: native symbols are read and built in its thread, while it watches itself. What a hostile file can
 * cost is this process. It has no environment and no connection, and ends with the symbolicator that started it.
 *
 * Arguments: the memory it may use, in MiB.
 */
import { rmSync, writeFileSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { constants, setPriority } from "node:os";
import { Worker } from "node:worker_threads";
import {
  BuilderExit,
  type BuilderAnswer,
  type BuilderReport,
  type BuilderTask,
} from "./messages.ts";

enableCompileCache();

const MIB = 1024 * 1024;
const LOOK_MS = 100;
/** How much less than the symbolicator's threads, whose priority is below normal. */
const BEHIND_CRASHES = 4;
const memoryMib = Number(process.argv[2]);

yieldToOthers();
const thread = new Worker(new URL("./thread.ts", import.meta.url), {
  env: {},
  resourceLimits: { maxOldGenerationSizeMb: memoryMib },
});
let out: string | null = null;

process.on("message", (task: BuilderTask) => {
  look();
  out = task.kind === "build" ? task.out : null;
  thread.postMessage(task);
});
thread.on("message", (answer: BuilderAnswer) => {
  if (answer.kind !== "begun" && answer.kind !== "progress") out = null;
  const report: BuilderReport = { answer, rss: process.memoryUsage.rss() };
  process.send?.(report);
});
thread.on("error", (error) => {
  const isMemory = "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
  end(isMemory ? BuilderExit.memory : 1);
});
process.on("disconnect", () => end(0));
setInterval(look, LOOK_MS);

function look(): void {
  if (process.memoryUsage.rss() > memoryMib * MIB) end(BuilderExit.memory);
}

/** Half a cache is nobody's. */
function end(code: number): never {
  if (out !== null) rmSync(out, { force: true });
  process.exit(code);
}

/** A crash that waits comes first; and where memory runs out, a build is what a machine can best do without. */
function yieldToOthers(): void {
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL + BEHIND_CRASHES);
    if (process.platform === "linux") writeFileSync("/proc/self/oom_score_adj", "800");
  } catch {
    // a system that does not let us be modest
  }
}
