/** `fixtures/calls.py` and what five versions of CPython compiled it to (fixtures/README.md). */
import { readFileSync } from "node:fs";

const fixture = (name: string): Uint8Array =>
  readFileSync(new URL(`fixtures/${name}`, import.meta.url));

export const callsSource: readonly Uint8Array[] = splitLines(fixture("calls.py"));

export const callsVersions = [11, 12, 13, 14, 15] as const;

export const callsPyc = (minor: number): Uint8Array => fixture(`calls.cpython-3${minor}.pyc`);

/** Lines as bytes: columns count bytes of UTF-8. */
function splitLines(text: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let start = 0; start < text.length;) {
    const end = text.indexOf(0x0a, start);
    lines.push(text.subarray(start, end));
    start = end + 1;
  }
  return lines;
}
