/**
 * Linkage names to what their authors wrote: Itanium and MSVC C++, Rust legacy and v0, by the Rust
 * demanglers that gecko-profiler-demangle wraps. Other names (C, Swift, Objective-C) come back untouched.
 *
 * The WebAssembly is instantiated here, at the first mangled name: importing the package as it is meant to
 * be imported is experimental in Node 24 and prints a warning.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import * as bindings from "gecko-profiler-demangle/index_bg.js";

const ITANIUM = /^_{1,4}Z/;
const MANGLED = /^(_{1,4}Z|_R|\?)/;

/** `_ZN1fEv.cold` reads `f() (.cold)`, as LLVM's tools print it: a clone is another function. */
export function demangle(linkageName: string): string {
  if (!MANGLED.test(linkageName)) return linkageName;
  const dot = ITANIUM.test(linkageName) ? linkageName.indexOf(".") : -1;
  if (dot === -1) return demangled(linkageName);
  const base = linkageName.slice(0, dot);
  const shown = demangled(base);
  return shown === base ? linkageName : `${shown} (${linkageName.slice(dot)})`;
}

let ready = false;

function demangled(name: string): string {
  if (!ready) {
    start();
    ready = true;
  }
  const shown = bindings.demangle_any(name);
  // what it cannot read it may still trim
  return shown.length === 0 || name.endsWith(shown) ? name : shown;
}

function start(): void {
  const file = createRequire(import.meta.url).resolve("gecko-profiler-demangle/index_bg.wasm");
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)), {
    "./index_bg.js": bindings,
  });
  bindings.__wbg_set_wasm(exports);
  (exports["__wbindgen_start"] as () => void)();
}
