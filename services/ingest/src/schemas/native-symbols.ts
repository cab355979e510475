/** Native symbols: modules with their caches, and the files they are built of. */
import type {
  MissingFile,
  NativeCache,
  NativeCacheState,
  NativeFile,
  NativeFileRole,
} from "@faultline/shared";
import { Type, type Static } from "./build.ts";
import { Time } from "./common.ts";

export const BuildId = Type.String({
  pattern: "^([0-9a-fA-F]{2}){1,64}$",
  description: "GNU build id, hexadecimal.",
});
export const DebugId = Type.String({
  pattern: "^[0-9a-fA-F]{32,48}$",
  description: "As Breakpad writes it: 32 hexadecimal digits and the age.",
});

const states = ["stored", "building", "ready", "refused"] satisfies NativeCacheState[];
const stateWords = {
  description:
    "stored: waits for its cache; building: it is under way; refused: none can be made, `error` says why.",
};
export const NativeState = Type.Enum(states, stateWords);
/** Of something that was asked for, and may not be there. */
export const AskedState = Type.Enum(["missing", ...states], stateWords);

const Role = Type.Enum(
  ["object", "debug", "supplementary", "split", "breakpad"] satisfies NativeFileRole[],
  { description: "supplementary: what dwz made; split: .dwo or .dwp." },
);

export const Missing = Type.Object({
  role: Role,
  buildId: Type.Nullable(
    Type.String({ description: "Null for what is known by its CRC or its units." }),
  ),
  file: Type.Nullable(Type.String({ description: "As the file that asks for it calls it." })),
});

export const NativeModuleSchema = Type.Object({
  debugId: Type.String(),
  buildId: Type.Nullable(Type.String()),
  name: Type.String(),
  machine: Type.String(),
  state: NativeState,
  error: Type.Nullable(Type.String()),
  progress: Type.Nullable(
    Type.Object(
      { done: Type.Integer(), total: Type.Integer() },
      {
        description:
          "Units of debug information, of a .sym MiB; null until it is known how many there are.",
      },
    ),
  ),
  cache: Type.Nullable(
    Type.Object(
      { sha256: Type.String(), bytes: Type.Integer(), version: Type.Integer() },
      {
        description:
          "What answers for the module, also while a newer one is built or could not be.",
      },
    ),
  ),
  complete: Type.Boolean({
    description: "There is a cache, and nothing that its files ask for is missing.",
  }),
  missing: Type.Array(Missing, { description: "Upload these." }),
  gaps: Type.Array(Type.String(), { description: "What could not be read, in words." }),
  builtOf: Type.Array(Type.Object({ sha256: Type.String(), role: Role })),
  updatedAt: Time,
});

export const NativeFileSchema = Type.Object({
  sha256: Type.String(),
  name: Type.String({ description: "As the first upload called it." }),
  bytes: Type.Integer(),
  kind: Type.Enum(["object", "debug", "supplementary", "dwo", "dwp", "breakpad"]),
  machine: Type.String(),
  os: Type.Nullable(Type.String({ description: "Of a Breakpad .sym." })),
  buildId: Type.Nullable(Type.String()),
  debugId: Type.Nullable(Type.String()),
  hasDebugInfo: Type.Boolean(),
  hasSplitUnits: Type.Boolean(),
  symbols: Type.Nullable(Type.Enum(["symtab", "minidebug", "dynsym"])),
  hasUnwind: Type.Boolean(),
  debugLink: Type.Nullable(
    Type.Object({ file: Type.String(), crc32: Type.String() }, { description: ".gnu_debuglink" }),
  ),
  altLink: Type.Nullable(
    Type.Object(
      { file: Type.String(), buildId: Type.String() },
      { description: ".gnu_debugaltlink" },
    ),
  ),
  state: Type.Enum(["stored", "ready", "refused"], {
    description: "stored: waits to be read; refused: it cannot be, `error` says why.",
  }),
  error: Type.Nullable(Type.String()),
  createdAt: Time,
});

export function moduleView(cache: NativeCache): Static<typeof NativeModuleSchema> {
  const { debugId, buildId, name, machine, state, error, missing, blob } = cache;
  return {
    debugId,
    buildId,
    name,
    machine,
    state,
    error,
    progress: progressView(cache),
    cache:
      blob === null
        ? null
        : { sha256: blob, bytes: cache.size ?? 0, version: cache.cacheVersion ?? 0 },
    complete: blob !== null && missing.length === 0,
    missing: missing.map(missingView),
    gaps: [...cache.gaps],
    builtOf: cache.files.map(({ sha256, role }) => ({ sha256, role })),
    updatedAt: cache.updatedAt.toISOString(),
  };
}

const progressView = ({ unitsDone, unitsTotal }: NativeCache) =>
  unitsDone === null || unitsTotal === null ? null : { done: unitsDone, total: unitsTotal };

const missingView = ({ role, buildId, file }: MissingFile) => ({ role, buildId, file });

export function fileView(file: NativeFile): Static<typeof NativeFileSchema> {
  const { sha256, name, size, kind, machine, os, buildId, debugId, state, error } = file;
  const { hasDebugInfo, hasSplitUnits, symbols, hasUnwind } = file;
  const { debugLink, debugLinkCrc, altLink, altLinkBuildId } = file;
  return {
    sha256,
    name,
    bytes: size,
    kind,
    machine,
    os,
    buildId,
    debugId,
    hasDebugInfo,
    hasSplitUnits,
    symbols,
    hasUnwind,
    debugLink:
      debugLink === null || debugLinkCrc === null
        ? null
        : { file: debugLink, crc32: `0x${debugLinkCrc.toString(16).padStart(8, "0")}` },
    altLink:
      altLink === null || altLinkBuildId === null
        ? null
        : { file: altLink, buildId: altLinkBuildId },
    state,
    error,
    createdAt: file.createdAt.toISOString(),
  };
}
