/**
 * The engine without its services: dumps of about 4 KB → reports, with the pyc maps of the release already
 * opened, as in a worker that has run for a while. Held against looking the same frames up in a plain Map, which
 * is the least that any resolution could cost.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { parseFaulthandler } from "@faultline/faulthandler";
import { buildReports, type ProcessedCrash } from "@faultline/processor";
import { buildPycMap, openPycMap, type PycMap } from "@faultline/pyc";
import type { CrashMetadata, PythonFile, PythonFiles } from "@faultline/shared";
import { crashRequests, moduleName, MODULES, moduleSource, RELEASES } from "./crash-load.ts";

const DUMPS = 100;
const ROUNDS = 40;

const metadata: CrashMetadata = {
  release: "bench-0",
  environment: null,
  host: null,
  pid: null,
  time: null,
  pythonVersion: null,
  tags: {},
  modules: [],
};

/** Reads {path: source} from standard input, writes {path: base64 of the .pyc}. */
const compileScript = `
import base64, json, marshal, sys
from importlib.util import MAGIC_NUMBER
print(json.dumps({path: base64.b64encode(
    MAGIC_NUMBER + bytes(12) + marshal.dumps(compile(source, "/srv/bench/" + path, "exec"))).decode()
    for path, source in json.load(sys.stdin).items()}))
`;

/** Prints dumps turned into reports per second, and frames resolved per second beside a Map's lookups. */
export async function benchFrames(): Promise<void> {
  const files = await releaseFiles();
  if (files === null) {
    process.stdout.write("  skipped: there is no python3 here to compile the application with\n");
    return;
  }
  const maps = new Map(
    [...files].flatMap(([, list]) => list).map((file) => [file.key, openOf(file)]),
  );
  const openMap = (file: PythonFile): PycMap => maps.get(file.key) ?? openOf(file);
  const dumps = dumpTexts();
  const report = (bytes: Uint8Array): ProcessedCrash[] => run(bytes, files, openMap);
  const crashes = dumps.flatMap(report);
  const stacks = crashes
    .flatMap(({ report: { threads } }) => threads.map(({ stack }) => stack))
    .flat();
  const resolved = stacks.filter((frame) => frame.language === "python" && frame.qualname !== null);
  const bytes = dumps.reduce((sum, dump) => sum + dump.length, 0);

  const whole = best(() => dumps.forEach(report));
  const parsing = best(() => dumps.forEach((dump) => parseFaulthandler(dump)));
  const withoutMaps = best(() => dumps.forEach((dump) => run(dump, new Map(), openMap)));
  const lookups = best(() => mapLookups(stacks));

  print(
    "dump",
    `${Math.round(bytes / dumps.length)} bytes, ${Math.round(stacks.length / dumps.length)} frames`,
  );
  print("resolved", `${resolved.length} of ${stacks.length} frames have a map`);
  print(
    "text to group",
    `${ms(whole / dumps.length)} a dump, ${rate(dumps.length / whole)} dumps/s`,
  );
  print("of it parsing", ms(parsing / dumps.length));
  print("without maps", ms(withoutMaps / dumps.length));
  const engine = stacks.length / (whole - parsing);
  print("frames", `${rate(engine)} frames/s resolved and grouped`);
  const floor = stacks.length / lookups;
  print(
    "plain Map",
    `${rate(floor)} frames/s looked up: the engine takes ${(floor / engine).toFixed(1)} times as long`,
  );
}

function run(
  bytes: Uint8Array,
  files: PythonFiles,
  openMap: (file: PythonFile) => PycMap,
): ProcessedCrash[] {
  const engine = buildReports({ metadata, faulthandler: bytes, minidump: null }, { openMap });
  let step = engine.next();
  while (step.done !== true) step = engine.next(files);
  return step.value;
}

/** Every frame's key made and looked up, the floor of any resolution. */
function mapLookups(
  frames: readonly {
    readonly file: string | null;
    readonly line: number | null;
    readonly function: string | null;
  }[],
): number {
  const known = new Map(
    frames.map((frame) => [`${frame.file}:${frame.line}:${frame.function}`, frame]),
  );
  let found = 0;
  for (const frame of frames) {
    if (known.has(`${frame.file}:${frame.line}:${frame.function}`)) found++;
  }
  return found;
}

/** The dumps that the load over HTTP sends, without HTTP. */
function dumpTexts(): Uint8Array[] {
  const next = crashRequests("/", "key", 7, RELEASES);
  return Array.from({ length: DUMPS }, () => {
    const { bytes } = next();
    const start = bytes.lastIndexOf("\r\n\r\n") + 4;
    return new Uint8Array(bytes.subarray(start, bytes.indexOf("\r\n--", start)));
  });
}

async function releaseFiles(): Promise<PythonFiles | null> {
  const python = spawn("python3", ["-I", "-c", compileScript], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(python, "exit").catch(() => null);
  python.stdin.on("error", () => undefined); // no python3: the exit tells
  const sources = Array.from(
    { length: MODULES },
    (_, at) => [moduleName(at), moduleSource(at)] as const,
  );
  python.stdin.end(JSON.stringify(Object.fromEntries(sources)));
  const [output, exit] = await Promise.all([text(python.stdout), ended]);
  if (exit?.[0] !== 0) return null;
  const compiled = new Map(Object.entries(JSON.parse(output) as Record<string, string>));
  const files = sources.map(([path, source]): PythonFile => {
    const map = buildPycMap(Buffer.from(compiled.get(path) ?? "", "base64"));
    return {
      path,
      codeFilename: `/srv/bench/${path}`,
      map,
      source: Buffer.from(source),
      key: path,
    };
  });
  return Map.groupBy(files, ({ path }) => path.slice(path.lastIndexOf("/") + 1));
}

function openOf(file: PythonFile): PycMap {
  if (file.map === null) throw new Error(`${file.path}: compiled, but without a map`);
  return openPycMap(file.map);
}

/** Seconds of the quickest round, the first ones being warm-up. */
function best(work: () => void): number {
  let quickest = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    work();
    quickest = Math.min(quickest, performance.now() - start);
  }
  return quickest / 1000;
}

const print = (label: string, value: string): boolean =>
  process.stdout.write(`  ${label.padEnd(16)}${value}\n`);
const ms = (seconds: number): string => `${(seconds * 1000).toFixed(3)} ms`;
const rate = (perSecond: number): string => Math.round(perSecond).toLocaleString("en");
