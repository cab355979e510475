/** Symbol caches of modules, from symbol folders: kept in the cache folder, built where they are not there yet. */
import { DebugInfoError } from "@faultline/debuginfo/cache";
import type { ModuleIdentity, ModuleSymbols, SymbolCaches } from "@faultline/shared";
import { cacheBytes } from "./cache-folder.ts";
import type { SymbolFolder } from "./symbol-folder.ts";

/** One answer a module, by its key. */
export async function moduleSymbols(
  modules: readonly ModuleIdentity[],
  folder: SymbolFolder,
  cacheFolder: string,
): Promise<SymbolCaches> {
  const answers = new Map<string, ModuleSymbols>();
  for (const module of modules)
    answers.set(module.key, await symbolsOf(module, folder, cacheFolder));
  return answers;
}

async function symbolsOf(
  { name, buildId, debugId }: ModuleIdentity,
  folder: SymbolFolder,
  cacheFolder: string,
): Promise<ModuleSymbols> {
  const nothing = { cache: null, contentKey: "" };
  const found = folder.find(buildId, debugId);
  if (found === null) {
    const others = folder.others(name);
    if (others.length === 0) return { ...nothing, state: "missing", tried: [] };
    return { ...nothing, state: "mismatched", tried: [`found ${name} of ${others.join(", ")}`] };
  }
  try {
    const cache = await cacheBytes(found, cacheFolder);
    return { state: "found", cache, contentKey: found.object, tried: [] };
  } catch (error) {
    if (!(error instanceof DebugInfoError)) throw error;
    return { ...nothing, state: "corrupt", tried: [`${found.object}: ${error.message}`] };
  }
}
