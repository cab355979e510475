/**
 * .pyc files mapped: read, and turned into a pyc map. Held against CPython doing marshal.load and co_positions
 * (dis.findlinestarts before 3.11) over the same files, the compiled standard library of this machine's python3.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildPycMap } from "@faultline/pyc";

/** Of each, the best counts: the first ones are slower while code is still being compiled. */
const ROUNDS = 15;

/** Compiles the standard library's own modules below the folder given, a few hundred files. */
const compileScript = `
import glob, os, py_compile, sys, sysconfig
lib, out = sysconfig.get_paths()["stdlib"], sys.argv[1]
files = sorted(glob.glob(lib + "/*.py") + glob.glob(lib + "/asyncio/*.py") + glob.glob(lib + "/email/*.py") + glob.glob(lib + "/json/*.py"))
for number, file in enumerate(files):
    try:
        py_compile.compile(file, os.path.join(out, "%04d.pyc" % number), doraise=True)
    except Exception:
        pass
print(sys.version.split()[0])
`;

/** Seconds of the best of some rounds over the files given. */
const pythonScript = `
import dis, glob, marshal, sys, time
data = [open(f, "rb").read()[16:] for f in sorted(glob.glob(sys.argv[1] + "/*.pyc"))]
def walk(code):
    for _ in code.co_positions() if hasattr(code, "co_positions") else dis.findlinestarts(code):
        pass
    for const in code.co_consts:
        if hasattr(const, "co_code"):
            walk(const)
best = 1e9
for _ in range(int(sys.argv[2])):
    start = time.perf_counter()
    for bytes_ in data:
        walk(marshal.loads(bytes_))
    best = min(best, time.perf_counter() - start)
print(best)
`;

/** Prints files and bytes mapped per second, and the ratio to CPython's own reading. */
export async function benchPyc(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "faultline-bench-pyc-"));
  try {
    const version = python(["-c", compileScript, folder]);
    if (version === null) {
      process.stdout.write("  skipped: there is no python3 here to compile its library with\n");
      return;
    }
    const files = readdirSync(folder).map((name) => readFileSync(join(folder, name)));
    const bytes = files.reduce((sum, file) => sum + file.length, 0);
    const seconds = best(() => files.forEach((file) => buildPycMap(file)));
    const theirs = Number(python(["-c", pythonScript, folder, String(ROUNDS)]));
    const rate = (time: number): string =>
      `${Math.round(files.length / time)} files/s, ${(bytes / time / 1e6).toFixed(1)} MB/s`;
    process.stdout.write(
      `  files          ${files.length} of CPython ${version}, ${(bytes / 1e6).toFixed(1)} MB\n`,
    );
    process.stdout.write(`  mapped         ${rate(seconds)}\n`);
    process.stdout.write(
      `  python3        ${rate(theirs)}: marshal.loads and every position; mapping is ${(theirs / seconds).toFixed(2)} times as fast\n`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What it printed, null where there is no python3. */
function python(args: readonly string[]): string | null {
  try {
    return execFileSync("python3", args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return null;
  }
}

function best(work: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = performance.now();
    work();
    least = Math.min(least, (performance.now() - start) / 1000);
  }
  return least;
}
