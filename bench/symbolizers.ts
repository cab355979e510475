/** Symbolizers of whole files as processes: ours, LLVM's and GNU's, asked for the same addresses. */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import { bytesSource, findSection, openElf } from "@faultline/debuginfo";
import { corpus } from "../test/corpus.ts";

export const faultline = fileURLToPath(
  new URL("../packages/cli/bin/faultline.cjs", import.meta.url),
);

/** An object with its separate debug file, if it has one. */
export interface Subject {
  readonly object: string;
  readonly debug: string | null;
}

/** One level of an answer: "file:line", "?" where either is unknown. Innermost first; all unknown is none. */
export type Chain = readonly string[];

export interface Symbolizer {
  readonly name: string;
  /** How to run it; addresses come on standard input. */
  readonly command: (subject: Subject) => readonly string[];
  /** Its output as one chain an address. */
  readonly chains: (output: string) => readonly Chain[];
}

const place = (file: string | null | undefined, line: number | null | undefined): string =>
  file && file !== "??" && line ? `${posix.normalize(file)}:${line}` : "?";

const known = (chain: Chain): Chain => (chain.every((level) => level === "?") ? [] : chain);

const rows = (output: string): readonly string[] => output.split("\n").filter((row) => row !== "");

export const ours = (cacheFolder: string): Symbolizer => ({
  name: "faultline",
  command: ({ object, debug }) => [
    process.execPath,
    faultline,
    "symbolize",
    "--cache",
    cacheFolder,
    "--object",
    object,
    ...(debug === null ? [] : ["--debug", debug]),
  ],
  chains: (output) =>
    rows(output).map((row) => {
      const { frames } = JSON.parse(row) as { frames: { file: string; line: number }[] };
      return known(frames.map(({ file, line }) => place(file, line)));
    }),
});

export const llvm: Symbolizer = {
  name: "llvm-symbolizer",
  command: ({ object, debug }) => [
    "llvm-symbolizer",
    "--inlines",
    "--output-style=JSON",
    `--obj=${debug ?? object}`,
  ],
  chains: (output) =>
    rows(output).map((row) => {
      const { Symbol: levels = [] } = JSON.parse(row) as {
        Symbol?: { FileName: string; Line: number }[];
      };
      return known(levels.map(({ FileName, Line }) => place(FileName, Line)));
    }),
};

export const gnu: Symbolizer = {
  name: "addr2line",
  command: ({ object, debug }) => ["addr2line", "-a", "-f", "-i", "-e", debug ?? object],
  chains: (output) => {
    const found: string[][] = [];
    let expectPlace = false;
    for (const row of rows(output)) {
      if (/^0x[0-9a-f]+$/.test(row)) {
        found.push([]);
        expectPlace = false;
        continue;
      }
      const [, file, line] = /^(.*):(\d+|\?)(?: \(discriminator \d+\))?$/.exec(row) ?? [];
      if (expectPlace) found.at(-1)?.push(place(file, Number(line) || null));
      expectPlace = !expectPlace;
    }
    return found.map(known);
  },
};

export const isInstalled = ({ name }: Pick<Symbolizer, "name">): boolean =>
  spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0;

/** Output and seconds of the whole process. */
export function run(
  { command }: Symbolizer,
  subject: Subject,
  addresses: readonly number[],
): { output: string; seconds: number } {
  const [program = "", ...args] = command(subject);
  const input = addresses.map((address) => `0x${address.toString(16)}\n`).join("");
  const start = performance.now();
  const output = execFileSync(program, args, {
    input,
    encoding: "utf8",
    maxBuffer: 2 ** 30,
    stdio: ["pipe", "pipe", "ignore"],
  });
  return { output, seconds: (performance.now() - start) / 1000 };
}

/** Random addresses in an object's code, the same ones each time. */
export function textAddresses(object: string, count: number): readonly number[] {
  const text = findSection(openElf(bytesSource(readFileSync(object))), ".text");
  if (text === null) throw new Error(`${object} has no .text`);
  let state = 12_345;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return text.address + Math.floor((state / 2 ** 32) * text.size);
  });
}

/** The corpus's symbol files, unpacked; null without a corpus. */
export const symbolFolder = (): string | null =>
  corpus === null ? null : execFileSync(`${corpus}/unpack`, { encoding: "utf8" }).trim();
