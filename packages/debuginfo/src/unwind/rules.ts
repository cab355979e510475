/**
 * How to get from a frame to its caller's: the rules of call frame information (DWARF 5, section 6.4.1).
 *
 * Registers are numbered as DWARF numbers those of the CPU. Operands inside expressions are in the object's
 * byte order, addresses in them as wide as its own.
 */

/** The canonical frame address: what the stack pointer was before the call. */
export type CfaRule =
  | { readonly kind: "register"; readonly register: number; readonly offset: number }
  | { readonly kind: "expression"; readonly expression: Uint8Array };

/** Where the caller's value of a register is. Offsets count from the CFA; before an expression runs the CFA is pushed. */
export type RegisterRule =
  | { readonly kind: "undefined" }
  | { readonly kind: "same-value" }
  /** Saved at CFA + offset. */
  | { readonly kind: "offset"; readonly offset: number }
  /** Is CFA + offset. */
  | { readonly kind: "val-offset"; readonly offset: number }
  /** In another register. */
  | { readonly kind: "register"; readonly register: number }
  /** Saved at the address that it gives. */
  | { readonly kind: "expression"; readonly expression: Uint8Array }
  /** Is the value that it gives. */
  | { readonly kind: "val-expression"; readonly expression: Uint8Array };

/** What is in force at an address. Addresses are relative to the load base. */
export interface UnwindRules {
  readonly cfa: CfaRule;
  /** A register that is absent: nothing is said of it. */
  readonly registers: ReadonlyMap<number, RegisterRule>;
  /** The register, or column, whose rule gives the return address. */
  readonly returnAddress: number;
  /** The frame is one that a signal interrupted: its return address is where it goes on, not behind a call. */
  readonly signalFrame: boolean;
  /** The return address is signed (AArch64 pointer authentication). */
  readonly pointerAuthentication: boolean;
  /** Of the function, or part of one, that the rules were written for: [start, end). */
  readonly start: number;
  readonly end: number;
  /** First address that these rules hold at. */
  readonly rowStart: number;
}
