/** The pyc map: what a compiled Python file can tell about a frame, ready to be asked. */

/** Where an instruction came from; columns are 0-based UTF-8 byte offsets, end exclusive. */
export interface Position {
  readonly line: number | null;
  readonly endLine: number | null;
  readonly column: number | null;
  readonly endColumn: number | null;
}

export interface CodeSummary {
  /** Index of the code object, depth first over constants; 0 is the module. */
  readonly index: number;
  readonly name: string;
  readonly qualname: string;
  readonly firstLine: number;
  /** Argument names in order, `*args` and `**kwargs` with their stars. */
  readonly arguments: readonly string[];
  readonly flags: number;
  /**
   * True for a function that is bound to its own name just as it was defined, without decorators that
   * could make it a property; absent where the map does not tell (≤ 3.10).
   */
  readonly isPlain?: boolean;
}

/** How an instruction can enter a function. */
export interface EntryWay {
  /**
   * A call; loading an attribute; a subscript; the next value of an iterator; `yield from` and
   * `await`; the beginning and the end of `with`; any other protocol: operators, stores, imports.
   */
  readonly by:
    | "call"
    | "attribute"
    | "subscript"
    | "iteration"
    | "send"
    | "enter"
    | "exit"
    | "other";
  /** The instruction names the function, which is bound to that name without decorators. */
  readonly named: boolean;
}

export interface PycMap {
  /** Minor version of CPython that compiled it: "3.12". */
  readonly pythonVersion: string;
  /** `co_filename` of the module. */
  readonly filename: string;
  readonly codeCount: number;
  code(index: number): CodeSummary;
  /** Code objects with that `co_name`, any line. */
  codesNamed(name: string): readonly number[];
  /** Code objects with that `co_name` whose line table holds `line`. */
  codesAt(name: string, line: number): readonly number[];
  /** Position of the instruction at a byte offset into `co_code`; null outside the code. */
  positionAt(index: number, offset: number): Position | null;
  /**
   * The distinct source spans of the instructions on `line` that can have called a function named
   * `callee` (null: unknown, or a frame that crashed itself). One span means the line leaves one
   * possible expression. Empty when the format has no columns (≤ 3.10) or nothing on the line can call;
   * at most MAX_CALL_SPANS.
   *
   * `calleeCode`: the callee's code object where it is known. It tells whether the callee is a generator
   * or coroutine, which runs when something iterates or awaits, not when it is called, and whether it
   * may be a property; without it all of this must be reckoned with, and fewer lines leave one span.
   */
  callSpansAt(
    index: number,
    line: number,
    callee: string | null,
    calleeCode?: CodeSummary | null,
  ): readonly Position[];
  /** How those instructions can have entered `callee`, each way once. */
  entryWaysAt(
    index: number,
    line: number,
    callee: string,
    calleeCode?: CodeSummary | null,
  ): readonly EntryWay[];
}
