/**
 * Modules that only carry a call from one place to another: they start threads, run callbacks,
 * import and close contexts. A frame of theirs is never part of a key, whoever is above or below.
 *
 * A name stands for the module and everything below it.
 */

/** Modules of the standard library. */
export const plumbingStdlib: ReadonlySet<string> = new Set([
  "_frozen_importlib",
  "_frozen_importlib_external",
  "_weakrefset",
  "asyncio",
  "bdb",
  "cProfile",
  "code",
  "codeop",
  "concurrent",
  "contextlib",
  "contextvars",
  "functools",
  "importlib",
  "multiprocessing",
  "pdb",
  "profile",
  "runpy",
  "threading",
  "trace",
  "weakref",
  "zipimport",
]);

/** Installed packages that run other people's code as event loops and green threads do. */
export const plumbingPackages: ReadonlySet<string> = new Set([
  "anyio",
  "eventlet",
  "gevent",
  "greenlet",
  "sniffio",
  "trio",
  "uvloop",
]);

/** Modules that stand between an importing frame and the `<module>` frame it runs. */
export const importModules: ReadonlySet<string> = new Set([
  "_frozen_importlib",
  "_frozen_importlib_external",
  "importlib",
  "zipimport",
]);
