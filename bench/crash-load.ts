/**
 * Crashes as a fleet sends them: some bugs often, most seldom (Zipf), each reached by several callers, from
 * many hosts and releases; about 4 KB of dump each. The same seed makes the same load.
 *
 * A request is made by copying a template and writing the fields of fixed width that differ, so that
 * making it costs next to nothing beside sending it.
 */
import { createHash } from "node:crypto";

export const BUGS = 300;
export const CALLERS_PER_BUG = 3;
export const MODULES = 60;
export const FUNCTIONS_PER_MODULE = 12;
/** Releases bench-0 … bench-4; symbols are uploaded for those below SYMBOL_RELEASES. */
export const RELEASES = 5;
export const SYMBOL_RELEASES = 2;
const HOSTS = 60;
const BOUNDARY = "faultline-load-9f2c71d04be84a53";

/** mulberry32: small, quick, and the same everywhere. Yields numbers in [0, 1). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Python source of module `at`: a class whose methods call on, each known by its line. */
export function moduleSource(at: number): string {
  const methods = Array.from({ length: FUNCTIONS_PER_MODULE }, (_, step) => methodSource(step));
  return `"""Module ${at} of the benchmark's application."""\n\n\nclass Worker${at}:\n${methods.join("\n")}`;
}

const methodSource = (step: number): string =>
  [
    `    def step_${step}(self, request, depth=0):`,
    `        value = self.prepare(request, depth)`,
    `        return value.step_${(step + 1) % FUNCTIONS_PER_MODULE}(request, depth + 1)`,
    "",
  ].join("\n");

export const moduleName = (at: number): string => `app/part_${at % 6}/module_${at}.py`;

/** Line of the call in `step`, as `moduleSource` lays it out. */
const callLine = (step: number): number => 5 + step * 4 + 2;

const frame = (file: string, line: number, name: string): string =>
  `  File "${file}", line ${line} in ${name}\n`;

function appFrames(random: () => number, count: number): string[] {
  return Array.from({ length: count }, () => {
    const step = Math.floor(random() * FUNCTIONS_PER_MODULE);
    const at = Math.floor(random() * MODULES);
    return frame(`/srv/bench/${moduleName(at)}`, callLine(step), `step_${step}`);
  });
}

const threadEnd = [
  frame("/usr/local/lib/python3.12/threading.py", 1010, "run"),
  frame("/usr/local/lib/python3.12/threading.py", 1073, "_bootstrap_inner"),
  frame("/usr/local/lib/python3.12/threading.py", 1030, "_bootstrap"),
].join("");

const idleThread = [
  frame("/usr/local/lib/python3.12/threading.py", 355, "wait"),
  frame("/usr/local/lib/python3.12/queue.py", 171, "get"),
  frame("/srv/venv/lib/python3.12/site-packages/workers/pool.py", 88, "take"),
  threadEnd,
].join("");

const extensionModules =
  "\nExtension modules: numpy.core._multiarray_umath, numpy.core._multiarray_tests, " +
  "numpy.linalg._umath_linalg, numpy.fft._pocketfft_internal, numpy.random._common, " +
  "numpy.random.bit_generator, psycopg2._psycopg, _cffi_backend, lxml.etree (total: 9)\n";

/** What dies: the bug's own innermost frames, then frames of the caller that reached it. */
function dumpText(bug: number, caller: number): string {
  const own = appFrames(randomNumbers(bug + 1), 6);
  const callers = appFrames(randomNumbers(0x10000 + bug * 16 + caller), 22);
  const reason = ["Segmentation fault", "Aborted", "Bus error"][bug % 3] ?? "";
  return [
    `Fatal Python error: ${reason}\n\n`,
    `Current thread 0x${IDENT} (most recent call first):\n`,
    ...own,
    ...callers,
    threadEnd,
    ...[1, 2, 3].map(
      (at) => `\nThread 0x00007f${at}0a17ff6c0 (most recent call first):\n${idleThread}`,
    ),
    extensionModules,
  ].join("");
}

// Fields that differ from request to request, at their widths.
const ID = "00000000-0000-7000-8000-000000000000";
const IDENT = "00007f0000000000";
const RELEASE = "bench-0";
const HOST = "host-00";

function body(bug: number, caller: number): string {
  const metadata = JSON.stringify({
    id: ID,
    release: RELEASE,
    environment: "production",
    host: HOST,
    pid: 4711,
    pythonVersion: "3.12.1",
    tags: { service: `service-${bug % 7}` },
  });
  return [
    `--${BOUNDARY}\r\ncontent-disposition: form-data; name="metadata"\r\ncontent-type: application/json\r\n\r\n${metadata}\r\n`,
    `--${BOUNDARY}\r\ncontent-disposition: form-data; name="faulthandler"; filename="stderr.txt"\r\ncontent-type: text/plain\r\n\r\n${dumpText(bug, caller)}\r\n`,
    `--${BOUNDARY}--\r\n`,
  ].join("");
}

interface Template {
  readonly bytes: Buffer;
  readonly id: number;
  readonly ident: number;
  readonly release: number;
  readonly host: number;
}

function template(path: string, key: string, bug: number, caller: number): Template {
  const content = body(bug, caller);
  const bytes = Buffer.from(
    `POST ${path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${key}\r\n` +
      `content-type: multipart/form-data; boundary=${BOUNDARY}\r\n` +
      `content-length: ${Buffer.byteLength(content)}\r\n\r\n${content}`,
  );
  const [id, ident] = [bytes.indexOf(ID), bytes.indexOf(IDENT)];
  const [release, host] = [bytes.indexOf(RELEASE), bytes.indexOf(HOST)];
  return { bytes, id, ident, release: release + 6, host: host + 5 };
}

/** Draws a bug by Zipf's law: the k-th is met 1/k as often as the first. */
function zipf(random: () => number): () => number {
  const sums: number[] = [];
  for (let bug = 0, sum = 0; bug < BUGS; bug++) sums.push((sum += 1 / (bug + 1)));
  const total = sums.at(-1) ?? 1;
  return () => {
    const wanted = random() * total;
    const at = sums.findIndex((sum) => sum >= wanted);
    return at < 0 ? BUGS - 1 : at;
  };
}

export interface CrashRequest {
  readonly id: string;
  readonly bytes: Buffer;
}

/** Whole HTTP requests, one after the other, each another crash. */
export function crashRequests(
  path: string,
  key: string,
  seed: number,
  releases: number,
): () => CrashRequest {
  const random = randomNumbers(seed);
  const drawBug = zipf(random);
  const templates = Array.from({ length: BUGS * CALLERS_PER_BUG }, (_, at) =>
    template(path, key, Math.floor(at / CALLERS_PER_BUG), at % CALLERS_PER_BUG),
  );
  const tail = createHash("sha256").update(`${seed}/${process.pid}/${Date.now()}`).digest("hex");
  let count = 0;
  return () => {
    const at = drawBug() * CALLERS_PER_BUG + Math.floor(random() * CALLERS_PER_BUG);
    const made = templates[at] as Template; // every bug has its templates
    const id = crashId(tail, ++count);
    const bytes = Buffer.from(made.bytes);
    bytes.write(id, made.id, "latin1");
    bytes.write((0x7f00_0000_0000 + count * 4096).toString(16), made.ident + 4, "latin1");
    bytes.write(String(Math.floor(random() * releases)), made.release, "latin1");
    bytes.write(String(Math.floor(random() * HOSTS)).padStart(2, "0"), made.host, "latin1");
    return { id, bytes };
  };
}

/** UUIDv7 (RFC 9562): now, then the count, then the load's own digits. */
function crashId(tail: string, count: number): string {
  const time = Date.now().toString(16).padStart(12, "0");
  const number = count.toString(16).padStart(6, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${number.slice(0, 3)}-8${number.slice(3)}-${tail.slice(0, 12)}`;
}
