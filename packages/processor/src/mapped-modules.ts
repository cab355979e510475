/** The modules that a client saw mapped, for the addresses of a C stack. */
import type { CStack } from "@faultline/faulthandler";
import type { CrashMetadata } from "@faultline/shared";
import { hexValue } from "./hex.ts";
import { MAX_CLIENT_MODULES } from "./limits.ts";
import { type MappedModule, ModuleMap, type OpenSymbolCache } from "./native/modules.ts";
import { fetchNoted } from "./native/walk.ts";
import type { Asking } from "./needs.ts";

/** Asks for the symbols of those that the stacks' addresses lie in. */
export function* mappedModules(
  { modules }: CrashMetadata,
  stacks: readonly CStack[],
  open: OpenSymbolCache,
): Asking<ModuleMap> {
  if (stacks.length === 0) return new ModuleMap([]);
  const mapped = new ModuleMap(
    modules
      .slice(0, MAX_CLIENT_MODULES)
      .map(moduleOf)
      .filter((module) => module !== null),
  );
  for (const { frames } of stacks) {
    for (const { address } of frames) {
      const module = mapped.at(hexValue(address) ?? -1n);
      if (module !== null) mapped.need(module);
    }
  }
  yield* fetchNoted(mapped, open);
  return mapped;
}

/** As the reporter writes it; null for anything else. */
function moduleOf(said: Readonly<Record<string, unknown>>): MappedModule | null {
  const { codeFile, base, size, buildId, debugId } = said;
  const start = typeof base === "string" ? hexValue(base) : null;
  if (typeof codeFile !== "string" || start === null) return null;
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size <= 0) return null;
  return {
    name: codeFile.slice(codeFile.search(/[^\\/]*$/)),
    codeFile,
    base: start,
    size,
    buildId: idOf(buildId),
    debugId: idOf(debugId),
  };
}

const idOf = (value: unknown): string | null =>
  typeof value === "string" && /^[0-9a-f]{8,128}$/i.test(value) ? value : null;
