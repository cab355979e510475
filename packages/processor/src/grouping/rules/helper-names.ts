/**
 * Names that many classes share. One names a group only together with its callers: at the top of
 * a stack it makes the key one frame deeper, elsewhere it is passed over.
 */
export const helperNames: ReadonlySet<string> = new Set([
  "__aenter__",
  "__aexit__",
  "__anext__",
  "__bool__",
  "__call__",
  "__contains__",
  "__delattr__",
  "__delitem__",
  "__enter__",
  "__eq__",
  "__exit__",
  "__format__",
  "__get__",
  "__getattr__",
  "__getattribute__",
  "__getitem__",
  "__hash__",
  "__init__",
  "__init_subclass__",
  "__iter__",
  "__len__",
  "__lt__",
  "__new__",
  "__next__",
  "__post_init__",
  "__repr__",
  "__set__",
  "__setattr__",
  "__setitem__",
  "__str__",
]);

/** Where a program begins. Crashes of one function started from two scripts are one bug. */
export const entryNames: ReadonlySet<string> = new Set(["<module>", "main", "_main", "__main__"]);

/**
 * Code that CPython compiles into a frame in some versions only, or prints for itself:
 * comprehensions have a frame up to 3.11 and none from 3.12, type parameters from 3.12.
 */
export const versionDependentNames: ReadonlySet<string> = new Set([
  "<listcomp>",
  "<dictcomp>",
  "<setcomp>",
  "__annotate__",
]);

/** `<generic parameters of f>` (PEP 695, CPython 3.12 and later). */
export const typeParametersPrefix = "<generic parameters of ";

/** Called wherever a reference count falls or the collector runs: its callers are chance. */
export const finalizerName = "__del__";
