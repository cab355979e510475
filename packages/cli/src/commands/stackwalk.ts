/** `faultline stackwalk`: a minidump to a report. */
import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { parseArgs } from "node:util";
import { buildReports, type Need, type Provided } from "@faultline/processor";
import type { Report } from "@faultline/shared";
import { CliError } from "../error.ts";
import { defaultCacheFolder } from "../symbols/cache-folder.ts";

const usage = `usage: faultline stackwalk DUMP [--symbols DIR]… [--faulthandler FILE] [--pyc DIR]… [--cache DIR] [--text]

Prints the report of a minidump as JSON: why the process died, and the stack of every thread, innermost first, each frame with
function, file and line, and how it was found.
  --symbols DIR        ELF objects, debug files, Breakpad .sym, in any layout: found by build id or debug id
  --faulthandler FILE  what faulthandler wrote when the same process died: its Python frames join the stacks
  --pyc DIR            compiled files and sources of the Python code, for qualified names and columns
  --cache DIR          where symbol caches are kept (faultline in $XDG_CACHE_HOME)
  --text               for people instead: what died, where, and what is uncertain

Exit code: 0 when the dump was read, 1 when it is refused, 2 for wrong usage.
`;

const options = {
  symbols: { type: "string", multiple: true, default: [] as string[] },
  faulthandler: { type: "string" },
  pyc: { type: "string", multiple: true, default: [] as string[] },
  cache: { type: "string" },
  text: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

/** As the server takes them. */
const MAX_DUMP_BYTES = 1024 ** 3;

/** Loaded only when asked for: what renders is part of what the services share. */
async function textOf(report: Report): Promise<string> {
  const { renderReport } = await import("@faultline/shared");
  return renderReport(report, { id: "" });
}

interface Wanted {
  readonly dump: string;
  readonly symbols: readonly string[];
  readonly faulthandler: string | undefined;
  readonly pyc: readonly string[];
  readonly cache: string;
}

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const [dump] = positionals;
  if (dump === undefined || positionals.length > 1)
    throw new CliError("usage", "wanted one DUMP; --help tells more");
  const cache = values.cache ?? defaultCacheFolder(process.env);
  const report = await walk({ ...values, faulthandler: values.faulthandler, dump, cache });
  const refusal = report.gaps.find(({ code }) => code === "dump-refused");
  if (refusal !== undefined) throw new CliError("refused", `${dump}: ${refusal.detail}`);
  process.stdout.write(values.text ? await textOf(report) : `${JSON.stringify(report)}\n`);
  return 0;
}

async function walk(wanted: Wanted): Promise<Report> {
  const input = {
    metadata: noMetadata,
    minidump: readDump(wanted.dump),
    faulthandler: wanted.faulthandler === undefined ? null : readFileSync(wanted.faulthandler),
  };
  const answer = answerer(wanted);
  const engine = buildReports(input);
  let step = engine.next();
  while (step.done !== true) step = engine.next(await answer(step.value));
  return step.value[0]!.report;
}

/** Folders are looked through when they are first asked for. */
function answerer({ symbols, pyc, cache }: Wanted): (need: Need) => Promise<Provided> {
  const native = once(async () => {
    const { openSymbolFolder } = await import("../symbols/symbol-folder.ts");
    return openSymbolFolder(symbols, cache);
  });
  const python = once(async () => {
    const { openPythonFolder } = await import("../symbols/python-folder.ts");
    return openPythonFolder(pyc);
  });
  const complain = (why: string): void =>
    void process.stderr.write(`faultline stackwalk: ${why}\n`);
  return async (need) => {
    if (need.need === "python-files") return (await python()).find(need.basenames, complain);
    const { moduleSymbols } = await import("../symbols/module-symbols.ts");
    return await moduleSymbols(need.modules, await native(), cache);
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

function readDump(file: string): Uint8Array {
  const descriptor = openSync(file, "r");
  try {
    const { size } = fstatSync(descriptor);
    if (size > MAX_DUMP_BYTES)
      throw new CliError(
        "too-large",
        `${file}: ${size} bytes (limit MAX_DUMP_BYTES, ${MAX_DUMP_BYTES})`,
      );
    const bytes = Buffer.allocUnsafeSlow(size);
    return bytes.subarray(0, readSync(descriptor, bytes));
  } finally {
    closeSync(descriptor);
  }
}

/** Nothing is said about a dump on disk but what is in it. */
const noMetadata = {
  release: null,
  environment: null,
  host: null,
  pid: null,
  time: null,
  pythonVersion: null,
  tags: {},
  modules: [],
};
