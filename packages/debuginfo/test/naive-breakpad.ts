/** A `.sym` file read the plain way, for comparison: every record kept as text, every question answered by search. */
import { demangle } from "../../symbols/src/demangle.ts";

type Frame = readonly [name: string, file: string | null, line: number | null];

interface Call {
  readonly depth: number;
  readonly line: number;
  readonly file: string;
  readonly name: string;
  readonly ranges: readonly (readonly [number, number])[];
}

interface Line {
  readonly start: number;
  readonly end: number;
  readonly line: number;
  readonly file: string;
}

interface Func {
  readonly start: number;
  readonly end: number;
  readonly name: string;
  readonly lines: Line[];
  readonly calls: Call[];
}

const hex = (text: string | undefined): number => Number.parseInt(text ?? "", 16);

function parse(text: string): readonly Func[] {
  const files = new Map<string, string>();
  const origins = new Map<string, string>();
  const functions: Func[] = [];
  for (const record of text.split(/\r?\n/)) {
    const [kind = "", ...words] = record.split(" ");
    const current = functions.at(-1);
    if (kind === "FILE") files.set(words[0] ?? "", words.slice(1).join(" "));
    else if (kind === "INLINE_ORIGIN") origins.set(words[0] ?? "", words.slice(1).join(" "));
    else if (kind === "FUNC") {
      if (words[0] === "m") words.shift();
      const start = hex(words[0]);
      const name = words.slice(3).join(" ");
      functions.push({ start, end: start + hex(words[1]), name, lines: [], calls: [] });
    } else if (kind === "INLINE") {
      const [depth, line, file, origin, ...ranges] = words;
      current?.calls.push({
        depth: Number(depth),
        line: Number(line),
        file: files.get(file ?? "") ?? "",
        name: origins.get(origin ?? "") ?? "",
        ranges: Array.from({ length: ranges.length / 2 }, (_, at) => [
          hex(ranges[2 * at]),
          hex(ranges[2 * at]) + hex(ranges[2 * at + 1]),
        ]),
      });
    } else if (/^[0-9a-f]+$/.test(kind)) {
      const file = files.get(words[2] ?? "") ?? "";
      const end = hex(kind) + hex(words[0]);
      current?.lines.push({ start: hex(kind), end, line: Number(words[1]), file });
    }
  }
  return functions;
}

function framesAt({ name, lines, calls }: Func, address: number): readonly Frame[] {
  const found = lines.find(({ start, end }) => start <= address && address < end);
  let file = found?.file ?? "";
  let line = found?.line ?? 0;
  const chain: Call[] = [];
  for (;;) {
    const call = calls.find(
      ({ depth, ranges }) =>
        depth === chain.length && ranges.some(([start, end]) => start <= address && address < end),
    );
    if (call === undefined) break;
    chain.push(call);
  }
  const frames: Frame[] = [];
  for (const call of chain.toReversed()) {
    frames.push([demangle(call.name), file || null, line || null]);
    ({ file, line } = call);
  }
  return [...frames, [demangle(name), file || null, line || null]];
}

/** The answers at about `count` addresses, spread over the functions. */
export function naiveFrames(
  text: string,
  count: number,
): readonly { readonly address: number; readonly frames: readonly Frame[] }[] {
  const functions = parse(text);
  const covered = functions.reduce((sum, { start, end }) => sum + end - start, 0);
  const step = Math.max(1, Math.floor(covered / count));
  return functions.flatMap((found) => {
    const addresses: number[] = [];
    for (let at = found.start + (found.start % step); at < found.end; at += step)
      addresses.push(at);
    return addresses.map((address) => ({ address, frames: framesAt(found, address) }));
  });
}
