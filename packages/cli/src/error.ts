/** Why a command refused or failed; the message is for the person at the terminal. */
export type CliErrorCode =
  /** Wrong usage: exit code 2; every other code ends with 1. */
  | "usage"
  | "data-in-use"
  | "data-not-ours"
  | "no-postgres"
  | "postgres-failed"
  | "not-found"
  | "too-large"
  | "refused"
  | "taken";

export class CliError extends Error {
  override readonly name = "CliError";
  readonly code: CliErrorCode;
  constructor(code: CliErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
