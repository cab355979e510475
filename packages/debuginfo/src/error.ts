/** Why bytes were refused. `code` is for programs; the message says what was read, where, what was wanted and found. */
export type DebugInfoErrorCode =
  | "not-elf"
  | "truncated"
  | "bad-header"
  | "bad-section"
  | "bad-compression"
  | "limit"
  | "bad-dwarf"
  | "bad-breakpad"
  | "bad-cache"
  | "cache-version";

export class DebugInfoError extends Error {
  override readonly name = "DebugInfoError";
  readonly code: DebugInfoErrorCode;
  constructor(code: DebugInfoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export const hex = (value: number): string => `0x${value.toString(16)}`;
