import { expect, test } from "vitest";
import { platformOf } from "../src/platform.ts";
import { aDump, aFrame, aThread, noMetadata } from "./builders.ts";

const dumpOf = (...files: readonly string[]) =>
  aDump({
    threads: [aThread(files.map((file) => aFrame(file, 1, "f")))],
    pythonVersionHint: "3.13+",
  });

test.each([
  ["/usr/lib/python3.12/queue.py", "3.12"],
  ["/opt/py/lib/python3.13t/queue.py", "3.13"],
  ["C:\\Python312\\Lib\\queue.py", "3.12"],
  ["C:\\Program Files\\Python39-32\\Lib\\queue.py", "3.9"],
  ["/srv/app/x.cpython-310-x86_64-linux-gnu.so", "3.10"],
  ["/usr/bin/python3.14", "3.14"],
  ["/usr/lib/libpython3.8.so.1.0", "3.8"],
])("%s tells version %s", (file, version) => {
  const { python } = platformOf(dumpOf("/srv/app/jobs.py", file), noMetadata);
  expect(python).toEqual({ version, evidence: "path" });
});

test("what the client says comes first, then paths that agree, then the grammar", () => {
  const dump = dumpOf("/usr/lib/python3.12/queue.py");
  const said = (pythonVersion: string) => platformOf(dump, { ...noMetadata, pythonVersion }).python;
  expect(said("3.12.1 (main, Dec 7 2023)")).toEqual({ version: "3.12.1", evidence: "metadata" });
  expect(said("3.15.0rc1")).toEqual({ version: "3.15.0rc1", evidence: "metadata" });
  expect(said("\u001b[31m")).toEqual({ version: "3.12", evidence: "path" });
  const both = dumpOf("/usr/lib/python3.12/queue.py", "/usr/lib/python3.11/queue.py");
  expect(platformOf(both, noMetadata).python).toEqual({ version: "3.13+", evidence: "grammar" });
  expect(platformOf(aDump(), noMetadata).python).toBeNull();
});

test.each([
  ["/lib/x86_64-linux-gnu/libc.so.6", "linux", "amd64"],
  ["/lib/aarch64-linux-gnu/libc.so.6", "linux", "arm64"],
  ["/srv/x.cpython-312-x86_64-linux-musl.so", "linux", "amd64"],
  ["/usr/lib/libSystem.B.dylib", "macos", null],
  ["D:\\app\\main.py", "windows", null],
  ["/srv/app/main.py", null, null],
])("%s is of %s %s", (file, os, cpu) => {
  expect(platformOf(dumpOf(file), noMetadata)).toMatchObject({ os, cpu });
});

test("a Windows exception is of Windows, whatever its paths", () => {
  expect(platformOf(aDump({ kind: "windowsException" }), noMetadata).os).toBe("windows");
});
