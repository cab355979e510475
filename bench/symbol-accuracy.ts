/** How often whole answers (file and line of every level, and its function) are those of another symbolizer, over real libraries. */
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
  type Symbolizer,
  symbolFolder,
  textAddresses,
} from "./symbolizers.ts";

const ADDRESSES = 5000;
const SHOWN = 5;

/** Prints, for each library and executable of the corpus that has debug information, how many answers equal one of the others'. */
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

/** Every Python library, and every object that has a separate debug file. */
function subjects(folder: string): readonly Subject[] {
  const libraries = globSync(`${folder}/*/libpython3*.so.1.0`).toSorted();
  const withDebug = globSync(`${folder}/*/*.debug`).toSorted();
  return [
    ...libraries.map((object) => ({ object, debug: null })),
    ...withDebug.map((debug) => ({ object: debug.replace(/\.debug$/, ""), debug })),
  ];
}

function compare(subject: Subject, cache: string): void {
  const addresses = textAddresses(subject.object, ADDRESSES);
  const found = chainsOf(ours(cache), subject, addresses);
  const others = [llvm, gnu].filter(isInstalled);
  const theirs = others.map((tool) => chainsOf(tool, subject, addresses));
  const each = theirs.map((chains) => share(found, (chain, at) => samePlaces(chain, chains[at])));
  const isRight = (chain: Chain, at: number): boolean =>
    theirs.some((chains) => samePlaces(chain, chains[at]));
  const isNamed = (chain: Chain, at: number): boolean =>
    chain.every(({ name }, depth) =>
      theirs.some((chains) => bare(chains[at]?.[depth]?.name) === bare(name)),
    );
  process.stdout.write(
    `  ${basename(subject.object).padEnd(40)}places ${share(found, isRight)} as one of the others has them (${others.map(({ name }, at) => `${name} ${each[at]}`).join(", ")}), names ${share(found, isNamed)}\n`,
  );
  const wrong = found.flatMap((chain, at) =>
    isRight(chain, at) && isNamed(chain, at) ? [] : [at],
  );
  for (const at of wrong.slice(0, SHOWN)) {
    const said = [found, ...theirs].map((chains) => text(chains[at] ?? [])).join("\n      ");
    process.stdout.write(`    0x${addresses[at]?.toString(16)}\n      ${said}\n`);
  }
}

const chainsOf = (
  tool: Symbolizer,
  subject: Subject,
  addresses: readonly number[],
): readonly Chain[] => tool.chains(run(tool, subject, addresses).output);

const samePlaces = (one: Chain, other: Chain = []): boolean =>
  one.length === other.length && one.every(({ place }, depth) => place === other[depth]?.place);

/** Without what the compiler appends to parts and clones: not all tools look that up. */
const bare = (name = "?"): string => name.replace(/(?<=.)[.@].*| \(\..*\)$/, "");

const text = (chain: Chain): string =>
  chain.map(({ name, place }) => `${name} ${place}`).join(" < ");

const share = (chains: readonly Chain[], holds: (chain: Chain, at: number) => boolean): string =>
  `${((100 * chains.filter(holds).length) / chains.length).toFixed(2)} %`;
