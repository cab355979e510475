/** Symbols for some of the load's releases: its application's modules, really compiled by the machine's python3. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { buffer } from "node:stream/consumers";
import { MODULES, moduleName, moduleSource, RELEASES, SYMBOL_RELEASES } from "./crash-load.ts";

/** Reads {path: source} from standard input, writes a zip of compiled files and sources to standard output. */
const packScript = `
import io, json, os, py_compile, sys, tempfile, zipfile
out = io.BytesIO()
with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, tempfile.TemporaryDirectory() as folder:
    for name, source in json.load(sys.stdin).items():
        path, compiled = os.path.join(folder, "m.py"), os.path.join(folder, "m.pyc")
        with open(path, "w") as file:
            file.write(source)
        py_compile.compile(path, cfile=compiled, dfile="/srv/bench/" + name, doraise=True)
        archive.write(compiled, name + "c")
        archive.write(path, name)
sys.stdout.buffer.write(out.getvalue())
`;

/** Uploads them; answers with a line for the print. */
export async function uploadSymbols(url: string, token: string): Promise<string> {
  const archive = await compileModules();
  if (archive === null) return "no python3 here: no symbols uploaded, no frame is resolved";
  for (let release = 0; release < SYMBOL_RELEASES; release++)
    await uploadRelease(url, token, release, archive);
  return `symbols of ${MODULES} modules uploaded for ${SYMBOL_RELEASES} of ${RELEASES} releases`;
}

export async function uploadRelease(
  url: string,
  token: string,
  release: number,
  archive: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const form = new FormData();
  form.set("release", `bench-${release}`);
  form.set("file", new Blob([archive]), "symbols.zip");
  const answer = await fetch(`${url}/api/v1/symbols`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: form,
  });
  if (!answer.ok) throw new Error(`symbols: ${answer.status} ${await answer.text()}`);
}

/** A zip of them; null where there is no python3. */
export async function compileModules(): Promise<Uint8Array<ArrayBuffer> | null> {
  const python = spawn("python3", ["-I", "-c", packScript], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(python, "exit").catch(() => null);
  python.stdin.on("error", () => undefined); // no python3: the exit tells
  const modules = Array.from({ length: MODULES }, (_, at) => [moduleName(at), moduleSource(at)]);
  python.stdin.end(JSON.stringify(Object.fromEntries(modules)));
  const [archive, exit] = await Promise.all([buffer(python.stdout), ended]);
  return exit?.[0] === 0 ? new Uint8Array(archive) : null;
}
