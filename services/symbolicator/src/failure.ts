import { MAX_REASON_CHARS } from "./limits.ts";

/** Why a crash is saved as failed. Anything else that goes wrong rejects the job, which is tried again. */
export type FailureReason = "timeout" | "memory" | "engine" | "blob" | "worker-died" | "refused";

/** It is the crash's own fault: trying again would end the same way. The message is stored and shown. */
export class CrashFailure extends Error {
  override readonly name = "CrashFailure";
  readonly reason: FailureReason;
  constructor(reason: FailureReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** A reason as Postgres can keep it: neither NUL nor half a surrogate pair. */
export const reasonText = (message: string): string =>
  message.slice(0, MAX_REASON_CHARS).replaceAll("\0", "\u{fffd}").toWellFormed();
