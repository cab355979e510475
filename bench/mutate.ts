/**
 * `node bench/mutate.ts N [SEED]`: N damaged copies of real objects and `.sym` files, the project's fixtures and the
 * corpus's small ones. Each must give a cache that answers, or be refused with a code, and in time. Prints what failed
 * with the seed that repeats it; exit code 1 then.
 */
import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import {
  buildBreakpadCache,
  buildCache,
  bytesSource,
  DebugInfoError,
  isBreakpad,
  isElf,
  openCache,
  openElf,
} from "@faultline/debuginfo";
import { corpus } from "../test/corpus.ts";

/** Bigger ones would be read a few times only. */
const MAX_FILE_BYTES = 200_000;
const MAX_CHANGES = 16;
const SLOW_MS = 5000;
const TELL_MS = 10_000;

const interesting = [0, 1, 0x7f, 0x80, 0xff, 0xfe, 0x0a, 0x20];

/** A small generator that a seed repeats (xorshift). */
function randomOf(seed: number): (below: number) => number {
  let state = (Math.imul(seed, 2_654_435_761) ^ 0x9e37_79b9) | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Bytes changed, stretches copied elsewhere, the end cut off. */
function damage(whole: Uint8Array, random: (below: number) => number): Uint8Array {
  const bytes = Uint8Array.from(whole);
  for (let left = 1 + random(MAX_CHANGES); left > 0; left -= 1) {
    const at = random(bytes.length);
    const kind = random(4);
    if (kind === 0) bytes[at] = interesting[random(interesting.length)] as number;
    else if (kind === 1) bytes[at] = random(256);
    else if (kind === 2) bytes[at] = (bytes[at] as number) ^ (1 << random(8));
    else bytes.copyWithin(at, random(bytes.length), random(bytes.length));
  }
  return random(8) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes;
}

const same = (name: string): string => name;

function ask(bytes: Uint8Array): void {
  const built = isBreakpad(bytes)
    ? buildBreakpadCache(bytes, same)
    : buildCache(
        {
          object: openElf(bytesSource(bytes)),
          debug: null,
          supplementary: null,
          split: [],
          miniDebugInfo: null,
        },
        same,
      );
  const cache = openCache(built);
  for (let at = 0; at < 0x10_000; at += 509) {
    cache.frames(at);
    cache.unwindRules(at);
  }
}

function files(): readonly string[] {
  const own = fileURLToPath(new URL("../packages/debuginfo/test/fixtures", import.meta.url));
  const folders = [own, ...(corpus === null ? [] : [`${corpus}/public`])];
  const all = folders.flatMap((folder) =>
    globSync(`${folder}/**/*`, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => `${entry.parentPath}/${entry.name}`),
  );
  return all.toSorted().filter((path) => {
    const bytes = readFileSync(path);
    return bytes.length <= MAX_FILE_BYTES && (isElf(bytes) || isBreakpad(bytes));
  });
}

const count = Number(process.argv[2] ?? 1000);
const firstSeed = Number(process.argv[3] ?? 1);
const paths = files();
const wholes = paths.map((path) => readFileSync(path));
let refused = 0;
let failed = 0;
let slowest = 0;
let told = performance.now();
for (let seed = firstSeed; seed < firstSeed + count; seed += 1) {
  const random = randomOf(seed);
  const index = random(wholes.length);
  const bytes = damage(wholes[index] as Uint8Array, random);
  const start = performance.now();
  let fault: string | null = null;
  try {
    ask(bytes);
  } catch (error) {
    if (error instanceof DebugInfoError) refused += 1;
    else fault = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const milliseconds = performance.now() - start;
  slowest = Math.max(slowest, milliseconds);
  if (milliseconds > SLOW_MS) fault ??= `took ${Math.round(milliseconds)} ms`;
  if (fault !== null) {
    failed += 1;
    process.stdout.write(`seed ${seed}, ${basename(paths[index] ?? "")}: ${fault}\n`);
  }
  if (performance.now() - told > TELL_MS) {
    told = performance.now();
    process.stderr.write(`${seed - firstSeed + 1} of ${count}, ${failed} failed\n`);
  }
}
process.stdout.write(
  `${count} damaged copies of ${paths.length} files: ${refused} refused, ${failed} failed, the slowest ${Math.round(slowest)} ms, memory at most ${Math.round(process.resourceUsage().maxRSS / 1024)} MB\n`,
);
process.exitCode = failed === 0 ? 0 : 1;
