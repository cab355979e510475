/**
 * All that this package knows of dumps and debug files: the memory of the process, and its code.
 * Whoever walks stacks implements `Memory` and `Code`; the rules come from `.eh_frame`, `.debug_frame` or `STACK CFI`
 * (DWARF 5, section 6.4), already evaluated to the row in force at an address.
 */

/** The memory of the crashed process, as far as it is known: regions of the dump, read-only bytes of module files. */
export interface Memory {
  /** The `size` bytes at `address`, unsigned, in the byte order of the process; undefined where any of them is unknown. */
  read(address: bigint, size: 1 | 2 | 4 | 8): bigint | undefined;
}

/** How the canonical frame address is computed (DWARF 5, section 6.4.1). */
export type CfaRule =
  | { readonly kind: "register"; readonly register: number; readonly offset: number }
  | { readonly kind: "expression"; readonly expression: Uint8Array };

/** How the caller's value of one register is recovered (DWARF 5, section 6.4.1). */
export type RegisterRule =
  /** Not recoverable; of the return address: this is the outermost frame. */
  | { readonly kind: "undefined" }
  | { readonly kind: "same-value" }
  /** Saved at CFA + offset. */
  | { readonly kind: "offset"; readonly offset: number }
  /** Is CFA + offset. */
  | { readonly kind: "val-offset"; readonly offset: number }
  | { readonly kind: "register"; readonly register: number }
  /** Saved at the address that the expression gives; the CFA is pushed first. */
  | { readonly kind: "expression"; readonly expression: Uint8Array }
  /** Is what the expression gives; the CFA is pushed first. */
  | { readonly kind: "val-expression"; readonly expression: Uint8Array };

/** The unwind table's row in force at an address. */
export interface UnwindRules {
  readonly cfa: CfaRule;
  /** By DWARF register number of the CPU; of an absent one nothing is said, so the ABI's default holds. */
  readonly registers: ReadonlyMap<number, RegisterRule>;
  /** The register (column) that holds the return address. */
  readonly returnAddress: number;
  /** 'S' in the augmentation: the caller was interrupted, not called. */
  readonly signalFrame: boolean;
  /** DW_CFA_AARCH64_negate_ra_state is in force: the return address is signed. */
  readonly pointerAuthentication: boolean;
  /** The function's range and the row's beginning, as addresses of the module's file. */
  readonly start: number;
  readonly end: number;
  readonly rowStart: number;
}

/**
 * What is known of an address as the place of an instruction.
 *
 * - `function`: symbols or unwind tables of its module cover it.
 * - `module`: in a module that lacks symbols or unwind tables, so nobody can tell.
 * - `uncovered`: in a module whose symbols and unwind tables are both known, and neither covers it.
 * - `anonymous`: outside modules, in memory that the maps say is executable (generated code).
 * - `data`: in no module and not executable, not mapped at all, or in a part of a module that is not executable.
 * - `unknown`: in no module, and nothing is known of the mapping (no maps in the dump).
 */
export type CodeKind = "function" | "module" | "uncovered" | "anonymous" | "data" | "unknown";

/**
 * The code of the process. Addresses are those of the process; an implementation translates them to a module's own.
 * Callers have already moved a return address back into its call, so nothing needs adjusting.
 */
export interface Code {
  /** The rules in force at `address`; null when its module has none there. Asked once a frame, so hits are worth caching. */
  rulesAt(address: bigint): UnwindRules | null;
  /** What to add to an address in the file of the module that holds `address` (DW_OP_addr); 0 outside modules. */
  addressBias(address: bigint): bigint;
  kindAt(address: bigint): CodeKind;
  /** Where the function begins that symbols or tables say holds `address`; null when none do. */
  functionStart(address: bigint): bigint | null;
}
