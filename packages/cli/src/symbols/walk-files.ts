/** Regular files below folders, links not followed: a link may lead anywhere, and round in circles. */
import { opendirSync } from "node:fs";
import { join } from "node:path";
import { CliError } from "../error.ts";

/** Files and folders that are looked at below all folders given. */
const MAX_ENTRIES = 1_000_000;

/** Paths in no order. Throws CliError for a folder that cannot be read, and past MAX_ENTRIES. */
export function* walkFiles(folders: readonly string[]): Generator<string> {
  const left = [...folders];
  let entries = 0;
  for (let folder = left.pop(); folder !== undefined; folder = left.pop()) {
    for (const entry of entriesOf(folder)) {
      if (++entries > MAX_ENTRIES) {
        throw new CliError(
          "too-large",
          `more than MAX_ENTRIES (${MAX_ENTRIES}) files below ${folders.join(", ")}`,
        );
      }
      const path = join(folder, entry.name);
      if (entry.isDirectory()) left.push(path);
      else if (entry.isFile()) yield path;
    }
  }
}

function* entriesOf(folder: string) {
  using handle = openFolder(folder);
  for (let entry = handle.readSync(); entry !== null; entry = handle.readSync()) yield entry;
}

function openFolder(folder: string) {
  try {
    return opendirSync(folder);
  } catch (error) {
    throw new CliError("not-found", (error as Error).message, { cause: error });
  }
}
