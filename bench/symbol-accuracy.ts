/** How often whole answers (file and line of every level) are those of another symbolizer, over real libraries. */
import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import {
  type Chain,
  gnu,
  isInstalled,
  llvm,
  ours,
  run,
  type Subject,
  symbolFolder,
  textAddresses,
} from "./symbolizers.ts";

const ADDRESSES = 5000;
const SHOWN = 5;

/** Prints, for each Python library and executable of the corpus, how many answers equal one of the others'. */
export async function benchSymbolAccuracy(): Promise<void> {
  const folder = symbolFolder();
  const others = [llvm, gnu].filter(isInstalled);
  if (folder === null || others.length === 0) {
    process.stdout.write(
      `  skipped: ${folder === null ? "no corpus here" : "neither llvm-symbolizer nor addr2line here"}\n`,
    );
    return;
  }
  const cache = mkdtempSync(join(tmpdir(), "faultline-bench-"));
  try {
    for (const subject of subjects(folder)) compare(subject, cache);
  } finally {
    rmSync(cache, { recursive: true });
  }
}

function subjects(folder: string): readonly Subject[] {
  const libraries = globSync(`${folder}/*/libpython3*.so.1.0`).toSorted();
  const withDebug = globSync(`${folder}/*/python3*.debug`).toSorted();
  return [
    ...libraries.map((object) => ({ object, debug: null })),
    ...withDebug.map((debug) => ({ object: debug.replace(/\.debug$/, ""), debug })),
  ];
}

function compare(subject: Subject, cache: string): void {
  const addresses = textAddresses(subject.object, ADDRESSES);
  const found = answers(ours(cache), subject, addresses);
  const others = [llvm, gnu].filter(isInstalled).map((tool) => answers(tool, subject, addresses));
  const equal = (at: number, other: readonly string[]): boolean => found[at] === other[at];
  const wrong = addresses.flatMap((address, at) =>
    others.some((other) => equal(at, other)) ? [] : [{ address, at }],
  );
  const right = addresses.length - wrong.length;
  const each = others.map((other) => addresses.filter((_, at) => equal(at, other)).length);
  process.stdout.write(
    `  ${basename(subject.object).padEnd(22)}${percent(right)} equal to one of the others (each: ${each.map(percent).join(", ")})\n`,
  );
  for (const { address, at } of wrong.slice(0, SHOWN)) {
    const said = [found, ...others].map((list) => list[at]).join("\n      ");
    process.stdout.write(`    0x${address.toString(16)}\n      ${said}\n`);
  }
}

const answers = (
  tool: ReturnType<typeof ours>,
  subject: Subject,
  addresses: readonly number[],
): readonly string[] =>
  tool.chains(run(tool, subject, addresses).output).map((chain: Chain) => chain.join(" < "));

const percent = (count: number): string => `${((100 * count) / ADDRESSES).toFixed(2)} %`;
