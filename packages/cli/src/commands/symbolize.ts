/** `faultline symbolize`: virtual addresses of an object to functions, files and lines. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { CliError } from "../error.ts";
import { defaultCacheFolder, loadCache } from "../symbols/cache-folder.ts";

const usage = `usage: faultline symbolize --object FILE [--debug FILE] [--supplementary FILE] [--split FILE]… [--cache DIR] [ADDRESS…]

Prints one JSON line an address: {"address","frames":[{"function","linkageName","file","line","column","inline"}]},
innermost first; unknown parts are null, an address nothing is known of has no frames.

The object is an ELF file or a Breakpad .sym (its addresses count from the load address).
ADDRESS is a virtual address of the object in hex, as addr2line -e takes it; without any, they are read from
standard input, one a line. --debug names the separate debug file, --supplementary the file that dwz made, --split a .dwp, a .dwo file or an
archive (.a) of them; without them they are looked for by .gnu_debuglink beside the object and in .debug, by build id in /usr/lib/debug, by
.gnu_debugaltlink and .debug_sup, as OBJECT.dwp, and where the .dwo files were written or beside the object.
What is worked out of an object is kept in --cache (default: faultline in $XDG_CACHE_HOME) and used again.
`;

const options = {
  object: { type: "string" },
  debug: { type: "string" },
  supplementary: { type: "string" },
  split: { type: "string", multiple: true },
  cache: { type: "string" },
  help: { type: "boolean" },
} as const;

/** Lines are written this many at a time. */
const FLUSH_LINES = 1000;

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (values.object === undefined)
    throw new CliError("usage", "--object FILE is missing; --help tells more");
  const addresses =
    positionals.length > 0
      ? positionals
      : readFileSync(0, "utf8")
          .split("\n")
          .filter((line) => line.trim() !== "");
  const parsed = addresses.map(parseAddress);
  const { cache, missed } = await loadCache(
    {
      object: values.object,
      debug: values.debug ?? null,
      supplementary: values.supplementary ?? null,
      ...(values.split === undefined ? {} : { split: values.split }),
    },
    values.cache ?? defaultCacheFolder(process.env),
  );
  for (const text of missed) process.stderr.write(`faultline symbolize: ${text}\n`);
  for (let from = 0; from < parsed.length; from += FLUSH_LINES) {
    const lines = parsed.slice(from, from + FLUSH_LINES).map((address) => {
      const frames = cache.frames(address - cache.info.loadBase);
      return JSON.stringify({ address: `0x${address.toString(16)}`, frames });
    });
    process.stdout.write(`${lines.join("\n")}\n`);
  }
  return 0;
}

function parseAddress(text: string): number {
  const digits = text.trim().replace(/^0x/i, "");
  if (!/^[0-9a-f]{1,16}$/i.test(digits)) {
    throw new CliError(
      "usage",
      `address ${JSON.stringify(text.slice(0, 40))}: wanted hex digits, with or without 0x`,
    );
  }
  return Number.parseInt(digits, 16);
}
