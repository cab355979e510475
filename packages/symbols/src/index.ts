export { buildFiles, isSym, type SymbolPaths } from "./build-files.ts";
export { demangle } from "./demangle.ts";
export { type FileSource, openFileSource } from "./file-source.ts";
export { OpenFiles } from "./open-files.ts";
