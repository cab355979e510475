/** `faultline cache`: builds the symbol cache of an object and says what it cost. */
import { renameSync, statSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { openCache } from "@faultline/debuginfo";
import { CliError } from "../error.ts";
import { build, completePaths } from "../symbols/object-files.ts";

const usage = `usage: faultline cache FILE --out FILE [--debug FILE] [--supplementary FILE] [--split FILE]…

Builds the symbol cache of an ELF object or a Breakpad .sym and prints, as JSON, what it holds, its size and that of its parts (rows: addresses to
lines and inlined calls; names; unwind: tables for unwinding), and the time it took. Progress of a long build is told on standard error.
Companions are given or found as "faultline symbolize --help" tells.
`;

const options = {
  out: { type: "string" },
  debug: { type: "string" },
  supplementary: { type: "string" },
  split: { type: "string", multiple: true },
  help: { type: "boolean" },
} as const;

/** Progress is told this often. */
const PROGRESS_MS = 1000;

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const [object] = positionals;
  if (object === undefined || positionals.length > 1)
    throw new CliError("usage", "wanted one FILE; --help tells more");
  if (values.out === undefined)
    throw new CliError("usage", "--out FILE is missing; --help tells more");
  const start = performance.now();
  const paths = completePaths({
    object,
    debug: values.debug ?? null,
    supplementary: values.supplementary ?? null,
    ...(values.split === undefined ? {} : { split: values.split }),
  });
  for (const text of paths.missed) process.stderr.write(`faultline cache: ${text}\n`);
  const bytes = await build(paths, tellProgress(start));
  const milliseconds = Math.round(performance.now() - start);
  writeFileSync(`${values.out}.part`, bytes);
  renameSync(`${values.out}.part`, values.out);
  const inputs = [paths.object, paths.debug, paths.supplementary, ...(paths.split ?? [])];
  const inputBytes = inputs.reduce(
    (sum, path) => sum + (path === null ? 0 : statSync(path).size),
    0,
  );
  const { info, sizes } = openCache(bytes);
  process.stdout.write(
    `${JSON.stringify({ ...info, inputBytes, cacheBytes: bytes.length, ...sizes, milliseconds })}\n`,
  );
  return 0;
}

function tellProgress(start: number): (done: number, total: number) => void {
  let told = start;
  return (done, total) => {
    const now = performance.now();
    if (now - told < PROGRESS_MS) return;
    told = now;
    process.stderr.write(
      `faultline cache: ${Math.floor((100 * done) / total)} %, ${Math.round((now - start) / 1000)} s\n`,
    );
  };
}
