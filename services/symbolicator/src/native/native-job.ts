/** One job about native symbols: new files are examined, and the caches of the modules they concern are built. */
import {
  claimNativeFile,
  listWaitingModules,
  refuseNativeFile,
  releaseNativeFile,
  saveNativeLinks,
  type NativeJob,
} from "@faultline/shared";
import { CrashFailure, reasonText } from "../failure.ts";
import { buildModule } from "./build-module.ts";
import { BuilderDiedError } from "./builder.ts";
import { checkAttempts, type NativeTools } from "./tools.ts";

/**
 * Running twice does no harm: what is done is found done. Rejects when something failed by no fault of the files; the
 * others are done by then.
 */
export async function runNativeJob(job: NativeJob, tools: NativeTools): Promise<void> {
  const failures: unknown[] = [];
  const trying = async (work: () => Promise<void>): Promise<void> => {
    await work().catch((error: unknown) => failures.push(error));
  };
  const modules = new Set(job.debugIds);
  for (const sha256 of job.sha256s) {
    await trying(async () => {
      for (const debugId of await concernedBy(sha256, tools)) modules.add(debugId);
    });
  }
  for (const debugId of modules) await trying(() => buildModule(debugId, tools));
  if (failures.length > 0) throw failures[0];
}

/** Modules to be built for a file: those that it concerns, when an earlier run of the job examined it too. */
async function concernedBy(sha256: string, tools: NativeTools): Promise<readonly string[]> {
  const { pool, blobs, builder, metrics } = tools;
  const file = await claimNativeFile(pool, sha256);
  if (file === null) return await listWaitingModules(pool, sha256);
  try {
    checkAttempts(file.attempts);
    const links = await builder.examine(blobs.path(sha256));
    return await saveNativeLinks(pool, sha256, links);
  } catch (error) {
    if (!(error instanceof CrashFailure)) {
      if (!(error instanceof BuilderDiedError)) await releaseNativeFile(pool, sha256);
      throw error;
    }
    metrics.nativeFilesRefused.inc();
    await refuseNativeFile(pool, sha256, reasonText(error.message));
    return [];
  }
}
