/** The thread of the builder process: reads native files and builds their caches, whatever that costs. */
import { enableCompileCache } from "node:module";
import { writeFileSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import type { BuilderAnswer, BuilderTask } from "./messages.ts";

enableCompileCache();
const [{ DebugInfoError, openCache, CACHE_VERSION }, { buildFiles }, { examineFile }] =
  await Promise.all([
    import("@faultline/debuginfo"),
    import("@faultline/symbols"),
    import("./examine.ts"),
  ]);

/** Progress is told this often. */
const PROGRESS_MS = 250;

const tell = (answer: BuilderAnswer): void => parentPort?.postMessage(answer);

parentPort?.on("message", (task: BuilderTask) => void work(task).then(tell));

async function work(task: BuilderTask): Promise<BuilderAnswer> {
  tell({ kind: "begun" });
  try {
    if (task.kind === "examine") return { kind: "examined", links: examineFile(task.path) };
    const bytes = await buildFiles(task.paths, tellProgress());
    writeFileSync(task.out, bytes);
    const { buildId, machine, gaps } = openCache(bytes).info;
    return { kind: "built", buildId, machine, gaps, version: CACHE_VERSION };
  } catch (error) {
    return failure(error);
  }
}

function tellProgress(): (done: number, total: number) => void {
  let told = 0;
  return (done, total) => {
    const now = performance.now();
    if (now - told < PROGRESS_MS && done < total) return;
    told = now;
    tell({ kind: "progress", done, total });
  };
}

/** A system call that failed is not the files' fault; anything else that is thrown over them is. */
function failure(error: unknown): BuilderAnswer {
  if (error instanceof DebugInfoError)
    return { kind: "refused", message: `${error.code}: ${error.message}` };
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const isSystem = error instanceof Error && "syscall" in error;
  return { kind: isSystem ? "failed" : "refused", message: `${name}: ${message}` };
}
