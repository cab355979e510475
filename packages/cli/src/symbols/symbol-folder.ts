/**
 * Symbol files in folders, found by what is in them: any layout will do. What each file is, is remembered in the cache folder
 * under the file's stamp, so that a folder is read once.
 */
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import type { NativeKind } from "@faultline/debuginfo";
import { keep } from "./content-key.ts";
import type { SymbolFile } from "./identify-file.ts";
import { walkFiles } from "./walk-files.ts";

/** What a module is put together from; `object` is the debug file where there is nothing else. */
export interface FoundFiles {
  readonly object: string;
  readonly debug: string | null;
  readonly supplementary: string | null;
}

/** No file that could answer is smaller. */
const MIN_BYTES = 64;

export class SymbolFolder {
  readonly #byId = new Map<string, SymbolFile[]>();
  readonly #byName = new Map<string, SymbolFile[]>();

  constructor(files: readonly SymbolFile[]) {
    for (const file of files) {
      for (const id of new Set([file.buildId, file.debugId]))
        if (id !== null) add(this.#byId, id, file);
      add(this.#byName, basename(file.path), file);
    }
  }

  /** By build id, else by debug id; null when nothing is known by either. */
  find(buildId: string | null, debugId: string | null): FoundFiles | null {
    const files = this.#byId.get(buildId ?? "") ?? this.#byId.get(debugId ?? "") ?? [];
    const of = (kind: NativeKind): SymbolFile | undefined =>
      files.find((file) => file.kind === kind);
    const sym = of("breakpad");
    const object = of("object");
    const debug = of("debug");
    const first = object ?? debug ?? sym;
    if (first === undefined) return null;
    const supplement = debug?.supplement ?? object?.supplement ?? "";
    const supplementary = this.#byId.get(supplement)?.find(({ kind }) => kind === "supplementary");
    return {
      object: first.path,
      debug: object === undefined ? null : (debug?.path ?? null),
      supplementary: supplementary?.path ?? null,
    };
  }

  /** Ids of files of that name: another build's, when `find` found none. */
  others(name: string): readonly string[] {
    return (this.#byName.get(name) ?? []).map(
      ({ buildId, debugId }) => buildId ?? debugId ?? "no id",
    );
  }
}

function add(map: Map<string, SymbolFile[]>, key: string, file: SymbolFile): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [file]);
  else list.push(file);
}

type Memo = Record<string, SymbolFile | null>;

/** Looks through the folders, to any depth. */
export async function openSymbolFolder(
  folders: readonly string[],
  cacheFolder: string,
): Promise<SymbolFolder> {
  const key = createHash("sha256").update(folders.join("\0")).digest("hex").slice(0, 40);
  const memoFile = join(cacheFolder, `${key}.folder.json`);
  const before = readMemo(memoFile);
  const memo: Memo = {};
  const fresh: (readonly [stamp: string, path: string])[] = [];
  for (const path of walkFiles(folders)) {
    const stamp = stampOf(path);
    if (stamp === null) continue;
    const known = before[stamp];
    if (known === undefined) fresh.push([stamp, path]);
    else memo[stamp] = known;
  }
  if (fresh.length > 0) {
    const { identifyFile } = await import("./identify-file.ts");
    for (const [stamp, path] of fresh) memo[stamp] = identifyFile(path);
    keep(memoFile, Buffer.from(JSON.stringify(memo)));
  }
  return new SymbolFolder(Object.values(memo).filter((file) => file !== null));
}

function readMemo(file: string): Memo {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Memo;
  } catch {
    return {};
  }
}

/** Null for what cannot be read or is too small to be one. */
function stampOf(path: string): string | null {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || stat.size < MIN_BYTES) return null;
  return `${path}\0${stat.size}\0${stat.mtimeMs}\0${stat.ctimeMs}\0${stat.ino}`;
}
