/** `faultline pyc`: compiled Python files as JSON. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { PycError, pycJson, readPyc } from "@faultline/pyc";
import { CliError } from "../error.ts";

const usage = `usage: faultline pyc FILE…

Prints one JSON object a line for each .pyc of CPython 3.0 to 3.15: its header, and codes, every code object depth first,
with name, qualname, arguments, flags, and the tables as the interpreter's own functions list them: lineStarts,
addr2line, coLines (3.10+), positions (3.11+: start, end, line, endLine, column, endColumn) and exceptions (3.11+).

Exit code: 0 when every file was read, 1 when one was refused (said on standard error with code and offset; the others
are printed all the same), 2 for wrong usage.
`;

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
  if (positionals.length === 0)
    throw new CliError("usage", "at least one FILE is wanted; --help tells more");
  let refused = 0;
  for (const file of positionals) {
    const why = await print(file);
    if (why === null) continue;
    refused += 1;
    process.stderr.write(`faultline pyc: ${file}: ${why}\n`);
  }
  return refused === 0 ? 0 : 1;
}

/** Why the file is refused, null when it was printed. */
async function print(file: string): Promise<string | null> {
  try {
    const pyc = readPyc(readFileSync(file));
    for (const { message } of pyc.warnings)
      process.stderr.write(`faultline pyc: ${file}: ${message}\n`);
    for (const piece of pycJson(pyc, basename(file))) {
      if (!process.stdout.write(piece)) await once(process.stdout, "drain");
    }
    process.stdout.write("\n");
    return null;
  } catch (error) {
    if (error instanceof PycError) return `${error.code}: ${error.message}`;
    if (error instanceof Error && "syscall" in error) return error.message;
    throw error;
  }
}
