/**
 * Modules of a process on Linux, beyond what the module list says of them.
 *
 * Folklore: writers fill that list from what they can open and read, in a process that is dying.
 * Modules without an id are those whose file was deleted or lies in a container's own file system;
 * some writers leave out the program itself. The mappings tell what was there, and memory of the
 * dump often has the first page of a file, with its build id. Test: linux-modules.test.ts.
 */
import { attempt, MinidumpError } from "./error.ts";
import { elfImageAt } from "./elf-image.ts";
import { MAX_IMAGES } from "./limits.ts";
import type { Minidump } from "./minidump.ts";
import { debugIdOfBuildId, hexOf } from "./module-ids.ts";
import { compare, countUntil } from "./sorted.ts";
import { LinuxDsoDebug } from "./streams/linux-dso-debug.ts";
import { type LinuxMapping, LinuxMaps } from "./streams/linux-maps.ts";
import { baseName, type Module, ModuleList } from "./streams/module-list.ts";

/** A file that is mapped from its beginning on. */
interface MappedFile {
  readonly path: string;
  readonly base: bigint;
  readonly end: bigint;
  readonly executable: boolean;
}

/** Breakpad's name for the code that the kernel maps into each process. */
const VDSO = "linux-gate.so";

const fileOf = ({ path, offset }: LinuxMapping): string | null => {
  if (offset !== 0n) return null;
  if (path === "[vdso]") return VDSO;
  return path?.startsWith("/") && !path.startsWith("/dev/") ? path : null;
};

/** Files that have code. Between two parts of one there may be memory of no name. */
function mappedFiles(mappings: readonly LinuxMapping[]): readonly MappedFile[] {
  const files: MappedFile[] = [];
  let path: string | null = null;
  for (const mapping of mappings) {
    const { start: base, end } = mapping;
    const executable = mapping.permissions[2] === "x";
    const last = files.at(-1);
    if (last && mapping.path === path && mapping.offset !== 0n) {
      files[files.length - 1] = { ...last, end, executable: last.executable || executable };
    } else if (mapping.path !== null) {
      const file = fileOf(mapping);
      path = file && mapping.path;
      if (file !== null) files.push({ path: file, base, end, executable });
    }
  }
  return files.filter((file) => file.executable);
}

/** What the dynamic linker had loaded, where memory shows how far it reaches. */
function loadedFiles(dump: Minidump): readonly MappedFile[] {
  const debug = attempt(() => dump.stream(LinuxDsoDebug));
  if (debug === undefined || debug instanceof MinidumpError) return [];
  return debug.objects.slice(0, MAX_IMAGES).flatMap(({ bias, path }) => {
    const image = path === "" ? null : elfImageAt(dump.memory, bias);
    return image ? [{ path, base: bias, end: bias + image.size, executable: true }] : [];
  });
}

/** `module` with the ids that memory has of it; as it is where memory has none or those of another file. */
function identified(module: Module, dump: Minidump): Module {
  const buildId = module.buildId === null ? elfImageAt(dump.memory, module.base)?.buildId : null;
  if (!buildId) return module;
  const debugId = debugIdOfBuildId(buildId, dump.byteOrder);
  if (debugId === null || (module.debugId !== null && module.debugId !== debugId)) return module;
  return { ...module, buildId: hexOf(buildId), codeId: hexOf(buildId), debugId };
}

/** Files that lie apart from all of `modules`. */
function apart(files: readonly MappedFile[], modules: readonly Module[]): readonly MappedFile[] {
  const sorted = modules.toSorted((a, b) => compare(a.base, b.base));
  let reach = 0n;
  const reaches = sorted.map(({ base, size }) => {
    const end = base + BigInt(Math.max(1, size));
    reach = end > reach ? end : reach;
    return reach;
  });
  return files.filter(({ base, end }) => {
    const before = countUntil(sorted.length, (index) => sorted[index]!.base < end);
    return before === 0 || reaches[before - 1]! <= base;
  });
}

const moduleOf = ({ path, base, end }: MappedFile): Module => ({
  name: baseName(path),
  codeFile: path,
  base,
  size: Number(end - base),
  buildId: null,
  codeId: null,
  debugId: null,
  debugFile: null,
  timestamp: 0,
  version: null,
  damage: null,
});

/**
 * The dump's modules, and on Linux and Android also those that only the mappings or the dynamic
 * linker's list show; with the build ids that memory of the dump holds where the list has none.
 * What is damaged counts as not there: `dump.stream(ModuleList)` tells.
 */
export function modulesOf(dump: Minidump): readonly Module[] {
  const list = attempt(() => dump.stream(ModuleList));
  const modules = list === undefined || list instanceof MinidumpError ? [] : list;
  if (dump.platform.os !== "linux" && dump.platform.os !== "android") return modules;
  const maps = attempt(() => dump.stream(LinuxMaps));
  const files =
    maps === undefined || maps instanceof MinidumpError ? loadedFiles(dump) : mappedFiles(maps);
  const added = apart(files, modules).slice(0, MAX_IMAGES).map(moduleOf);
  return [...modules, ...added].map((module, index) =>
    index < MAX_IMAGES ? identified(module, dump) : module,
  );
}
