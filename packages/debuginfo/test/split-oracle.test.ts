/** Objects in several files, for which no two tools agree because most cannot read them all: held to the one that can. */
import { readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { expect, test } from "vitest";
import { corpus, corpusSkipReason } from "../../../test/corpus.ts";
import { demangle } from "../../symbols/src/demangle.ts";
import {
  buildCache,
  bytesSource,
  type ElfFile,
  openCache,
  openElf,
  type SymbolCache,
} from "../src/index.ts";

const SAMPLY = "mstange__samply/fixtures/other";
const OBJECTS = "gimli-rs__object-testfiles/dwarf";

interface Case {
  readonly object: string;
  readonly debug?: string;
  readonly supplementary?: string;
  readonly split?: string;
}

const cases: Readonly<Record<string, Case>> = {
  "samply-ls-dwz-arm64-dwarf5": {
    object: `${SAMPLY}/ls-linux/ls`,
    debug: `${SAMPLY}/ls-linux/260a3e6e46db57abf718f6a3562c6eedccf269.debug`,
    supplementary: `${SAMPLY}/ls-linux/coreutils.debug`,
  },
  "samply-with-dwp-arm64-dwarf4": {
    object: `${SAMPLY}/simple-example/out/with-dwp/main`,
    split: `${SAMPLY}/simple-example/out/with-dwp/main.dwp`,
  },
  "objtest-base-clang-split-v4": {
    object: `${OBJECTS}/base-clang-split-v4`,
    split: `${OBJECTS}/base-clang-split-v4-base.dwo`,
  },
  "objtest-base-gcc-split": {
    object: `${OBJECTS}/base-gcc-split`,
    split: `${OBJECTS}/base-gcc-split-base.dwo`,
  },
};

const read = (path: string): Buffer => readFileSync(join(corpus as string, "public", path));

function cacheOf({ object, debug, supplementary, split }: Case): SymbolCache {
  const elf = (path: string | undefined): ElfFile | null =>
    path === undefined ? null : openElf(bytesSource(read(path)));
  const files = {
    object: openElf(bytesSource(read(object))),
    debug: elf(debug),
    supplementary: elf(supplementary),
    split: [elf(split)].filter((file) => file !== null),
    miniDebugInfo: null,
  };
  return openCache(buildCache(files, demangle));
}

const rowsOf = (name: string, tool: string): readonly unknown[] =>
  read(`_oracle/${name}.${tool}.jsonl`)
    .toString("utf8")
    .trim()
    .split("\n")
    .map((row) => JSON.parse(row) as unknown);

interface LlvmRow {
  readonly Address: string;
  readonly Symbol: readonly { readonly FileName: string; readonly Line: number }[];
}

test.skipIf(corpus === null).each(Object.keys(cases))(
  `%s: file and line of every level as llvm-symbolizer says (skipped where ${corpusSkipReason})`,
  (name) => {
    const cache = cacheOf(cases[name] as Case);
    const rows = rowsOf(name, "llvm-symbolizer") as readonly LlvmRow[];
    const wrong = rows.filter(({ Address, Symbol: levels }) => {
      // of code without lines LLVM shows the object file, which the symbol table names
      const wanted = levels.filter(({ FileName }) => FileName !== "" && !FileName.endsWith(".o"));
      const found = cache.frames(Number(Address) - cache.info.loadBase).filter(({ file }) => file);
      const place = (file: string | null, line: number | null): string =>
        `${posix.normalize(file ?? "")}:${line ?? 0}`;
      return (
        found.map(({ file, line }) => place(file, line)).join() !==
        wanted.map(({ FileName, Line }) => place(FileName, Line)).join()
      );
    });
    expect(wrong).toEqual([]);
    expect(rows.length).toBeGreaterThan(50);
    expect(cache.info.gaps).toEqual([]);
  },
);

interface GdbRow {
  readonly address: string;
  readonly functions_inner_to_outer: readonly string[];
}

/** gdb spells parameters by the debug information, and has no name for what a compiler made of a function. */
const bare = (name: string | null): string =>
  (name ?? "")
    .replace(/ \(\..*\)$/, "")
    .replace(/\(.*\)$/, "")
    .replace(/\.(?:lto_priv|part|isra|constprop).*$/, "");

test
  .skipIf(corpus === null)
  .each(Object.keys(cases).filter((name) => name !== "objtest-base-gcc-split"))(
  `%s: the functions of every level as gdb says, where it knows any (skipped where ${corpusSkipReason})`,
  (name) => {
    const cache = cacheOf(cases[name] as Case);
    const rows = (rowsOf(name, "gdb") as readonly GdbRow[]).filter(
      (row) => row.functions_inner_to_outer.length > 0,
    );
    const wrong = rows.flatMap(({ address, functions_inner_to_outer: wanted }) => {
      const found = cache.frames(Number(address) - cache.info.loadBase);
      const names = found.map((frame) => bare(frame.function));
      return names.join() === wanted.map(bare).join() ? [] : [[address, names, wanted]];
    });
    expect(wrong).toEqual([]);
    expect(rows.length).toBeGreaterThan(50);
  },
);
