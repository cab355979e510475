/** Shape of the answers in this folder. */

export interface CrashReason {
  /** "SIGSEGV", "EXCEPTION_ACCESS_VIOLATION", "EXC_BAD_ACCESS"; a number in hex where it has no name here. */
  readonly reason: string;
  /**
   * What sort of it: "SEGV_MAPERR", "EXCEPTION_ACCESS_VIOLATION_READ", "KERN_INVALID_ADDRESS". Null
   * where the dump does not tell.
   */
  readonly code: string | null;
  /** As the dump has it, even where it is none. */
  readonly address: bigint;
  /**
   * What `address` is of: memory that was accessed, or the instruction that failed. Null: of
   * neither; then it is often rubbish.
   */
  readonly addressOf: "access" | "instruction" | null;
}

/** Names of codes, in the order of the vendor's header. */
export type Names = Readonly<Record<number, string>>;

/** "0xc0000005": how a number without a name prints. */
export const hexCode = (code: number): string => `0x${(code >>> 0).toString(16).padStart(8, "0")}`;

export const named = (names: Names | undefined, code: number): string =>
  names?.[code] ?? hexCode(code);
