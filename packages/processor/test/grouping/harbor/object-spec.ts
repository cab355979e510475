/** What is known of a native object before any seed: its functions, its builds, its way in from Python. */

/** How Python code gets to an object's entries. */
export type Binding =
  | "c"
  | "pybind"
  | "cython"
  | "rust"
  | "numpy"
  | "ctypes"
  | "pyav"
  | "torch"
  | "pyarrow";

/** Which symbol tables and which builds a function is seen in. */
export interface FunctionSpec {
  readonly name: string;
  readonly exported: boolean;
  /** Small: some builds inline it. */
  readonly small: boolean;
  /** Of internal linkage: a compiler may clone it, and adds a suffix. */
  readonly internal: boolean;
}

export interface ObjectSpec {
  readonly key: string;
  /** Below site-packages; `@` stands for what differs from version to version. */
  readonly path: string;
  readonly maker: "own" | "package" | "vendor";
  readonly binding: Binding;
  /** A shared library that a module needs, not a module itself. */
  readonly isLibrary?: boolean;
  /** auditwheel has put a hash into its name. */
  readonly hashed?: boolean;
  /** Version numbers in its name. */
  readonly numbers?: readonly string[];
  /** One build for all Pythons. */
  readonly stableAbi?: boolean;
  /** A Rust module that does without pyo3's trampoline. */
  readonly direct?: boolean;
  readonly large?: boolean;
  /** The module's name as Cython writes it into symbols. */
  readonly mangled?: string;
  readonly sources: readonly string[];
  /** How many versions the fleet goes through; its own code changes with every release. */
  readonly versions?: number;
  /** Its Python layer: a function for each entry, as far as there is one. */
  readonly wrapper?: { readonly file: string; readonly names: readonly string[] };
  /** Where in the program it is used, as beginnings of paths. */
  readonly usedBy: readonly string[];
  /** What Python calls. */
  readonly entries: readonly FunctionSpec[];
  /** What entries call, and each other. */
  readonly middles: readonly FunctionSpec[];
  readonly leaves: readonly FunctionSpec[];
}

/** One function a line; behind a bar `x` exported, `i` small, `s` internal. */
export const functions = (text: string): readonly FunctionSpec[] =>
  text
    .trim()
    .split("\n")
    .map((line) => {
      const [name = "", marks = ""] = line.split(" | ");
      return {
        name,
        exported: marks.includes("x"),
        small: marks.includes("i"),
        internal: marks.includes("s"),
      };
    });
