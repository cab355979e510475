/** `faultline pyc`: compiled Python files as JSON. */
import { once } from "node:events";
import { closeSync, openSync, readSync } from "node:fs";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { MAX_PYC_BYTES, PycError, pycJson, readPyc } from "@faultline/pyc";
import { CliError } from "../error.ts";

const usage = `usage: faultline pyc FILE…

Prints one JSON object a line for each .pyc of CPython 3.0 to 3.15: its header, and codes, every code object depth first,
with name, qualname, arguments, flags, and the tables as the interpreter's own functions list them: lineStarts,
addr2line, coLines (3.10+), positions (3.11+: start, end, line, endLine, column, endColumn) and exceptions (3.11+).
Columns count bytes of UTF-8.

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
  if (positionals.length === 0) {
    throw new CliError("usage", "at least one FILE is wanted; --help tells more");
  }
  let refused = 0;
  for (const file of positionals) {
    const why = await print(file);
    if (why === null) continue;
    refused++;
    complain(file, why);
  }
  return refused === 0 ? 0 : 1;
}

const complain = (file: string, why: string): void => {
  process.stderr.write(`faultline pyc: ${file}: ${why}\n`);
};

/** Why the file is refused, null when it was printed. Nothing is printed of a file that is refused. */
async function print(file: string): Promise<string | null> {
  try {
    const pyc = readPyc(readStart(file, MAX_PYC_BYTES + 1));
    for (const piece of pycJson(pyc, basename(file))) {
      if (!process.stdout.write(piece)) await once(process.stdout, "drain");
    }
    process.stdout.write("\n");
    for (const { code, message, offset } of pyc.warnings) {
      complain(file, `${code}: ${message}, from 0x${offset.toString(16)} on`);
    }
    return null;
  } catch (error) {
    if (error instanceof PycError) return `${error.code}: ${error.message}`;
    if (error instanceof Error && "syscall" in error) return error.message;
    throw error;
  }
}

/** The file's first bytes, `limit` at most: enough for readPyc to refuse what is larger than it reads. */
function readStart(file: string, limit: number): Uint8Array {
  const chunks: Buffer[] = [];
  let size = 0;
  const descriptor = openSync(file, "r");
  try {
    for (;;) {
      const chunk = Buffer.allocUnsafe(Math.min(256 * 1024, limit - size));
      const count = readSync(descriptor, chunk);
      if (count === 0) return Buffer.concat(chunks, size);
      chunks.push(chunk.subarray(0, count));
      size += count;
    }
  } finally {
    closeSync(descriptor);
  }
}
