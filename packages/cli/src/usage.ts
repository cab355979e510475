/** Wrong usage of the command: shown on stderr, exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
