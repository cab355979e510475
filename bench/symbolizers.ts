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

/** One level of an answer, "?" for what is unknown. */
export interface Level {
  readonly name: string;
  /** "file:line" */
  readonly place: string;
}

/** Innermost first; all unknown is none. */
export type Chain = readonly Level[];

export interface Symbolizer {
  readonly name: string;
  /** How to run it; addresses come on standard input. */
  readonly command: (subject: Subject) => readonly string[];
  /** Its output as one chain an address. */
  readonly chains: (output: string) => readonly Chain[];
}

type Maybe<T> = T | null | undefined;

const level = (name: Maybe<string>, file: Maybe<string>, line: Maybe<number>): Level => ({
  name: name && name !== "??" ? name : "?",
  place: file && file !== "??" && line ? `${posix.normalize(file)}:${line}` : "?",
});

const known = (chain: Chain): Chain =>
  chain.every(({ name, place }) => name === "?" && place === "?") ? [] : chain;

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
      const { frames } = JSON.parse(row) as {
        frames: { function: string; file: string; line: number }[];
      };
      return known(frames.map((frame) => level(frame.function, frame.file, frame.line)));
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
        Symbol?: { FunctionName: string; FileName: string; Line: number }[];
      };
      return known(
        levels.map(({ FunctionName, FileName, Line }) => level(FunctionName, FileName, Line)),
      );
    }),
};

export const gnu: Symbolizer = {
  name: "addr2line",
  command: ({ object, debug }) => ["addr2line", "-a", "-f", "-C", "-i", "-e", debug ?? object],
  chains: (output) => {
    const found: Level[][] = [];
    let name: string | null = null;
    for (const row of rows(output)) {
      if (/^0x[0-9a-f]+$/.test(row)) {
        found.push([]);
        name = null;
      } else if (name === null) name = row;
      else {
        const [, file, line] = /^(.*):(\d+|\?)(?: \(discriminator \d+\))?$/.exec(row) ?? [];
        found.at(-1)?.push(level(name, file, Number(line) || null));
        name = null;
      }
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
