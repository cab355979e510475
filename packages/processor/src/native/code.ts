/** The process's code as the stack walker asks for it: modules, their symbol caches, the mappings. */
import type { Code, CodeKind, UnwindRules } from "@faultline/unwind";
import type { MemoryMaps } from "./maps.ts";
import type { LoadedModule, ModuleMap } from "./modules.ts";

/** Rules are kept by address for as long as a crash is worked on: recursion asks for the same few again and again. */
export class ProcessCode implements Code {
  readonly #modules: ModuleMap;
  readonly #maps: MemoryMaps;
  readonly #rules = new Map<bigint, UnwindRules | null>();

  constructor(modules: ModuleMap, maps: MemoryMaps) {
    this.#modules = modules;
    this.#maps = maps;
  }

  rulesAt(address: bigint): UnwindRules | null {
    const known = this.#rules.get(address);
    if (known !== undefined) return known;
    const module = this.#modules.at(address);
    if (module === null || !this.#modules.need(module)) return null;
    const rules = module.cache?.unwindRules(Number(address - module.base)) ?? null;
    this.#rules.set(address, rules);
    return rules;
  }

  addressBias(address: bigint): bigint {
    const module = this.#modules.at(address);
    if (module === null) return 0n;
    return module.base - BigInt(module.cache?.info.loadBase ?? 0);
  }

  kindAt(address: bigint): CodeKind {
    const module = this.#modules.at(address);
    const mapping = this.#maps.at(address);
    if (module === null) return this.#outside(mapping?.executable);
    if (mapping?.executable === false) return "data";
    if (!this.#modules.need(module) || module.cache === null) return "module";
    const relative = Number(address - module.base);
    if (module.cache.frames(relative).length > 0) return "function";
    if (module.cache.unwindRules(relative) !== null) return "function";
    return hasBoth(module) ? "uncovered" : "module";
  }

  functionStart(address: bigint): bigint | null {
    const module = this.#modules.at(address);
    const rules = this.rulesAt(address);
    if (module === null || rules === null) return null;
    return module.base + BigInt(rules.start);
  }

  #outside(executable: boolean | undefined): CodeKind {
    if (!this.#maps.known) return "unknown";
    return executable === true ? "anonymous" : "data";
  }
}

/** Only where both are known does their silence say that there is no code. */
const hasBoth = ({ cache }: LoadedModule): boolean =>
  cache !== null && cache.info.sources.length > 0 && cache.info.unwind.length > 0;
