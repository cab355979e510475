/** `faultline parse`: what a faulthandler text says, as JSON. */
import { createReadStream } from "node:fs";
import { parseArgs } from "node:util";
import { parseFaulthandler } from "@faultline/faulthandler";
import { dumpJson } from "../dump-json.ts";
import { CliError } from "../error.ts";

const usage = `usage: faultline parse FILE

Prints {"dumps":[…],"gaps":[…]}: every faulthandler dump and fatal error that the text holds, of CPython 3.3 to 3.15,
whatever stands before, between or around its lines. FILE "-" is standard input.

A dump has kind (signal, fatal, timeout, dump, cstack, windowsException), what its header says (message, func, code, signum,
timeout, timeoutSeconds, runtimeState, exceptionLine, pythonTraceback), threads (current, ident, osName, anonymous,
garbageCollecting, frames innermost first with file, line and name, framesTruncated, stop), cStack, extensionModules,
sameCrashAsPrevious, incomplete, pythonVersionHint ("3.12", "3.14+") and gaps: what could not be told. A key that the text
says nothing about is left out. The file and name of a frame are unescaped; fileRaw and nameRaw are as printed where that differs.

Exit code: 0 with at least one dump, 1 when the text holds none (its JSON is printed all the same), 2 for wrong usage.
`;

const MIB = 1024 * 1024;
/** Bytes of text; parsing holds all of it in memory. */
const MAX_PARSE_BYTES = 1024 * MIB;

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: { help: { type: "boolean", short: "h" } },
    allowPositionals: true,
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) {
    throw new CliError(
      "usage",
      `one FILE is wanted ("-" for standard input), ${positionals.length} given`,
    );
  }
  const { dumps, gaps } = parseFaulthandler(await readAll(file));
  process.stdout.write(`${JSON.stringify({ dumps: dumps.map(dumpJson), gaps })}\n`);
  if (dumps.length > 0) return 0;
  const wanted = gaps.find(({ code }) => code === "no-dump")?.detail ?? "";
  process.stderr.write(`faultline parse: ${file} holds no faulthandler dump: ${wanted}\n`);
  return 1;
}

async function readAll(file: string): Promise<Buffer> {
  const stream = file === "-" ? process.stdin : createReadStream(file);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_PARSE_BYTES) {
      throw new CliError(
        "too-large",
        `${file}: more than ${MAX_PARSE_BYTES / MIB} MiB (MAX_PARSE_BYTES)`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}
