/** Where CPython keeps its stacks: offsets into its structures, in bytes. */

export interface Layout {
  /** Of CPython 3. */
  readonly minor: number;
  /** "3.13.0", where the process says it; null before 3.13. */
  readonly version: string | null;
  readonly runtime: {
    /** First interpreter. */
    readonly interpreters: number;
    /** Whether garbage is collected; null where the interpreter holds that. */
    readonly collecting: number | null;
  };
  readonly interpreter: {
    readonly next: number;
    readonly threads: number;
    readonly collecting: number | null;
  };
  readonly thread: {
    readonly next: number;
    readonly interpreter: number;
    readonly ident: number;
    /** The system's own id; null before 3.11. */
    readonly nativeId: number | null;
    /** Innermost frame, or the `_PyCFrame` that holds it. */
    readonly top: number;
  };
  /** `_PyCFrame` (3.11, 3.12), one in each activation of the eval loop. */
  readonly cframe: { readonly frame: number; readonly previous: number } | null;
  readonly frame: FrameLayout;
  readonly code: CodeLayout;
  readonly text: TextLayout;
  /** `bytes` objects. */
  readonly bytes: { readonly size: number; readonly data: number };
}

export interface FrameLayout {
  readonly previous: number;
  readonly code: number;
  /** Bits of the reference to the code object that are no part of its address. */
  readonly codeTags: bigint;
  readonly instruction: number;
  /** What `instruction` is: an index counted in bytes or in code units (i32), or a pointer. */
  readonly counts: "bytes" | "units" | "pointer";
  /** Who owns the frame's memory; FIRST_SHIM_OWNER and above mark shims. */
  readonly owner: number | null;
  /** 3.11 alone: whether an activation of the eval loop began with it. */
  readonly entry: number | null;
  /** Which copy of the bytecode runs (free-threaded 3.14 and later). */
  readonly bytecodeIndex: number | null;
}

export interface CodeLayout {
  readonly filename: number;
  readonly name: number;
  readonly qualname: number | null;
  readonly lineTable: number;
  readonly firstLine: number;
  /** Where the bytecode begins; null where frames count from it. */
  readonly bytecode: number | null;
  /** The copies of the bytecode (free-threaded 3.14 and later). */
  readonly copies: number | null;
}

export interface TextLayout {
  readonly length: number;
  readonly state: number;
  /** Where the characters of ASCII and of other compact strings begin. */
  readonly ascii: number;
  readonly compact: number;
  /** Bit of `state` that `kind` begins at: behind `interned`. */
  readonly kindShift: number;
}

/** From 3.12 on: FRAME_OWNED_BY_CSTACK, and since 3.14 FRAME_OWNED_BY_INTERPRETER beside it. */
export const FIRST_SHIM_OWNER = 3;
export const FIRST_MINOR_WITH_SHIMS = 12;
