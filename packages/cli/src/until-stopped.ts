/** How a server ends: SIGTERM from an orchestrator, SIGINT from a terminal. */

/** Whoever takes longer to close is ended: an orchestrator would do so anyway, and say less. */
const CLOSE_MS = 30_000;

/**
 * Resolves at the first signal; further ones change nothing (Ctrl-C reaches a process group, and the
 * launcher passes on its own). To be called before anything is started: a signal that comes meanwhile must
 * not end the process in the middle.
 */
export async function untilStopped(): Promise<void> {
  await new Promise<void>((done) => {
    process.on("SIGTERM", () => done());
    process.on("SIGINT", () => done());
  });
  setTimeout(() => {
    process.stderr.write(`faultline: not closed after ${CLOSE_MS} ms, ended\n`);
    process.exit(1);
  }, CLOSE_MS).unref();
}
