/** Unwind tables of real libraries, row by row, against those that readelf prints. */
import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import {
  buildCache,
  bytesSource,
  openCache,
  openElf,
  type RegisterRule,
  type UnwindRules,
} from "@faultline/debuginfo";
import { symbolFolder } from "./symbolizers.ts";

const SHOWN = 5;
const LOOKUPS = 1_000_000;

/** Registers as readelf names them, by DWARF number; of other machines they are r0, r1, … */
const registerNames: Readonly<Record<string, readonly string[]>> = {
  x86_64: "rax rdx rcx rbx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip".split(" "),
  arm64: Array.from({ length: 96 }, (_, at) =>
    at === 31 ? "sp" : at < 31 ? `x${at}` : at < 64 ? `r${at}` : `v${at - 64}`,
  ),
};

/** Prints how many rows are the same, and what one lookup costs. */
export async function benchUnwindTables(): Promise<void> {
  const folder = symbolFolder();
  if (folder === null || spawnSync("readelf", ["--version"]).status !== 0) {
    process.stdout.write(`  skipped: ${folder === null ? "no corpus" : "no readelf"} here\n`);
    return;
  }
  const objects = ["libpython3*.so.1.0", "python3.11", "libc.so.6", "libm.so.6"];
  for (const path of objects.flatMap((name) => globSync(`${folder}/*/${name}`).toSorted()))
    compare(path);
}

function compare(path: string): void {
  const object = openElf(bytesSource(readFileSync(path)));
  const files = { object, debug: null, supplementary: null, split: [], miniDebugInfo: null };
  const cache = openCache(buildCache(files, (name) => name));
  const { loadBase, machine } = cache.info;
  const rows = readelfRows(path);
  const wrong = rows.filter(
    ({ address, text }) => text !== rowText(cache.unwindRules(address - loadBase), machine),
  );
  const start = performance.now();
  for (let left = LOOKUPS; left > 0; left -= 1)
    cache.unwindRules((rows[left % rows.length]?.address ?? 0) - loadBase);
  const microseconds = ((performance.now() - start) * 1000) / LOOKUPS;
  process.stdout.write(
    `  ${basename(path).padEnd(22)} ${machine.padEnd(7)} ${rows.length - wrong.length} of ${rows.length} rows as readelf has them, ${microseconds.toFixed(2)} µs a lookup\n`,
  );
  for (const { address, text } of wrong.slice(0, SHOWN))
    process.stdout.write(
      `    0x${address.toString(16)}\n      ${text}\n      ${rowText(cache.unwindRules(address - loadBase), machine)}\n`,
    );
}

interface Row {
  readonly address: number;
  readonly text: string;
}

/** A table has a line of columns; a register that is unknown or undefined is "u", one in another has that in parentheses behind it. */
function readelfRows(path: string): readonly Row[] {
  const options = { encoding: "utf8", maxBuffer: 2 ** 30 } as const;
  const { stdout } = spawnSync("readelf", ["--debug-dump=frames-interp", path], options);
  const rows: Row[] = [];
  let columns: readonly string[] = [];
  let inFunction = false;
  for (const line of stdout.split("\n")) {
    if (/ (?:FDE|CIE) /.test(line)) inFunction = line.includes(" FDE ");
    else if (/^ +LOC /.test(line)) columns = line.trim().split(/ +/).slice(2);
    const [, location, cfa = "", rest = ""] = /^([0-9a-f]{16}) (\S+) *(.*)$/.exec(line) ?? [];
    if (location === undefined || !inFunction || cfa.includes("terminator")) continue;
    const values = rest
      .replaceAll(/ \(\w+\)/g, "")
      .trim()
      .split(/ +/);
    const rules = columns.flatMap((name, at) =>
      values[at] === undefined || values[at] === "u" ? [] : [`${name}=${values[at]}`],
    );
    rows.push({
      address: Number.parseInt(location, 16),
      text: [cfa, ...rules.toSorted()].join(" "),
    });
  }
  return rows;
}

function rowText(rules: UnwindRules | null, machine: string): string {
  if (rules === null) return "none";
  const { cfa, registers, returnAddress } = rules;
  const nameOf = (register: number): string => registerNames[machine]?.[register] ?? `r${register}`;
  const shown = [...registers]
    .filter(([, rule]) => rule.kind !== "undefined")
    .map(
      ([register, rule]) =>
        `${register === returnAddress ? "ra" : nameOf(register)}=${ruleText(rule)}`,
    );
  const frame = cfa.kind === "register" ? nameOf(cfa.register) + signed(cfa.offset) : "exp";
  return [frame, ...shown.toSorted()].join(" ");
}

/** A register is shown by its number alone: readelf has a name for it in parentheses. */
function ruleText(rule: RegisterRule): string {
  switch (rule.kind) {
    case "offset":
      return `c${signed(rule.offset)}`;
    case "val-offset":
      return `v${signed(rule.offset)}`;
    case "register":
      return `r${rule.register}`;
    case "same-value":
      return "s";
    case "undefined":
      return "u";
    case "expression":
      return "exp";
    case "val-expression":
      return "vexp";
  }
}

const signed = (offset: number): string => `${offset < 0 ? "" : "+"}${offset}`;
