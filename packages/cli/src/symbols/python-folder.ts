/** Compiled files and sources in folders, found by their names: what `--pyc` gives. */
import { readFileSync } from "node:fs";
import { basename, relative, sep } from "node:path";
import { buildPycMap, compiledName, openPycMap, PycError } from "@faultline/pyc";
import type { PythonFile, PythonFiles } from "@faultline/shared";
import { walkFiles } from "./walk-files.ts";

interface Files {
  /** Path of the compiled file, and how far it was optimised. */
  compiled: { readonly file: string; readonly optimisation: number } | null;
  source: string | null;
}

export interface PythonFolder {
  /** The files of these base names; what is no .pyc that can be read goes to `refused`. */
  find(basenames: readonly string[], refused: (why: string) => void): PythonFiles;
}

export function openPythonFolder(folders: readonly string[]): PythonFolder {
  const byName = new Map<string, Map<string, Files>>();
  const at = (path: string): Files => {
    const name = basename(path);
    const paths = byName.get(name) ?? new Map<string, Files>();
    byName.set(name, paths);
    const files = paths.get(path) ?? { compiled: null, source: null };
    paths.set(path, files);
    return files;
  };
  for (const folder of folders) {
    for (const file of walkFiles([folder])) {
      const path = relative(folder, file).split(sep).join("/");
      const compiled = compiledName(path);
      if (compiled === null) {
        if (path.endsWith(".py")) at(path).source = file;
        continue;
      }
      const files = at(compiled.path);
      const { optimisation } = compiled;
      if (files.compiled === null || optimisation < files.compiled.optimisation)
        files.compiled = { file, optimisation };
    }
  }
  return {
    find: (basenames, refused) =>
      new Map(
        basenames.map((name) => [
          name,
          [...(byName.get(name) ?? [])].map(([path, files]) => pythonFile(path, files, refused)),
        ]),
      ),
  };
}

function pythonFile(
  path: string,
  { compiled, source }: Files,
  refused: (why: string) => void,
): PythonFile {
  const map = compiled === null ? null : mapOf(compiled.file, refused);
  return {
    path,
    codeFilename: map === null ? null : openPycMap(map).filename,
    map,
    source: source === null ? null : readFileSync(source),
    key: path,
  };
}

function mapOf(file: string, refused: (why: string) => void): Uint8Array | null {
  try {
    return buildPycMap(readFileSync(file));
  } catch (error) {
    if (!(error instanceof PycError)) throw error;
    refused(`${file}: ${error.code}: ${error.message}`);
    return null;
  }
}
