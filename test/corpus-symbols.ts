/**
 * The symbol files of the corpus, unpacked once a machine, and a folder for the caches built of them. The folder's name holds
 * a hash of the code that builds caches: what another version of it built is never answered from.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { corpus } from "./corpus.ts";

const house = fileURLToPath(new URL("..", import.meta.url));

export interface CorpusSymbols {
  readonly symbols: string;
  readonly caches: string;
}

/** Null where the corpus is absent, or xz is, which unpacks it. */
export function corpusSymbols(): CorpusSymbols | null {
  if (corpus === null) return null;
  try {
    const printed = execFileSync(join(corpus, "unpack"), { encoding: "utf8" });
    return {
      symbols: printed.trim(),
      caches: join(tmpdir(), `faultline-test-caches-${codeHash()}`),
    };
  } catch {
    return null;
  }
}

function codeHash(): string {
  const hash = createHash("sha256");
  for (const file of globSync("packages/{bytes,debuginfo,symbols}/src/**/*.ts", {
    cwd: house,
  }).toSorted())
    hash.update(file).update(readFileSync(join(house, file)));
  return hash.digest("hex").slice(0, 16);
}
