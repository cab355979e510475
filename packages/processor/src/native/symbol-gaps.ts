/** What the symbols of the modules on the stacks lack, with the exact id to upload. */
import type { Gap } from "@faultline/shared";
import { gap } from "../gaps.ts";
import type { LoadedModule, ModuleMap } from "./modules.ts";
import type { NativeThread } from "./native-crash.ts";

/** One gap a module that has frames; those of the thread that died come first. */
export function symbolGaps(
  threads: readonly Pick<NativeThread, "activations" | "crashed">[],
  modules: ModuleMap,
): Gap[] {
  const seen = new Set<LoadedModule>();
  const byBlame = threads.toSorted((one, other) => Number(other.crashed) - Number(one.crashed));
  for (const { activations } of byBlame) {
    for (const { pc } of activations) {
      const module = modules.at(pc);
      if (module !== null) seen.add(module);
    }
  }
  return [...seen].map(gapOf).filter((found) => found !== null);
}

function gapOf(module: LoadedModule): Gap | null {
  const { identity, state, cache, tried } = module;
  const { name, buildId, debugId } = identity;
  const id = buildId === null ? `debug id ${debugId ?? "unknown"}` : `build id ${buildId}`;
  const why = tried.length > 0 ? ` (${tried.join("; ")})` : "";
  switch (state) {
    case "found":
      return cache?.info.sources.some((source) => source === "dwarf" || source === "breakpad")
        ? null
        : gap(
            "no-debug-info",
            `${name} (${id}): only its symbol table is known: no files and lines.`,
          );
    case "missing":
    case "unused":
      return gap("no-symbols", `${name} (${id}): no symbols were uploaded${why}.`);
    case "mismatched":
      return gap("symbols-mismatched", `${name} (${id}): the symbols are of another build${why}.`);
    case "corrupt":
      return gap("symbols-corrupt", `${name} (${id}): the symbol file cannot be used${why}.`);
  }
}
