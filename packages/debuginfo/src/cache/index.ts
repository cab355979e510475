/** Reading symbol caches alone, for those who look things up: none of what builds them is loaded. */
export { DebugInfoError } from "../error.ts";
export { CACHE_VERSION, type CacheInfo } from "./format.ts";
export { type Location, openCache, type SourceFrame, type SymbolCache } from "./reader.ts";
