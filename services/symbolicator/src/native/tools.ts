/** What native symbols are worked on with. */
import type { BlobStore, Pool } from "@faultline/shared";
import { CrashFailure } from "../failure.ts";
import { MAX_NATIVE_ATTEMPTS } from "../limits.ts";
import type { Metrics } from "../metrics.ts";
import type { NativeBuilder } from "./builder.ts";

export interface NativeTools {
  readonly pool: Pool;
  readonly blobs: BlobStore;
  readonly builder: NativeBuilder;
  readonly metrics: Metrics;
}

/** Throws CrashFailure for what was tried before as often as may be. `attempts`: this one included. */
export function checkAttempts(attempts: number): void {
  if (attempts <= MAX_NATIVE_ATTEMPTS) return;
  throw new CrashFailure(
    "worker-died",
    `tried ${attempts - 1} times without an end (MAX_NATIVE_ATTEMPTS: ${MAX_NATIVE_ATTEMPTS})`,
  );
}
