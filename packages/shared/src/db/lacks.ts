/** Tables crash_lacks, lacked_symbols and lacked_files: what crashes lacked, for when it arrives. */
import { createHash } from "node:crypto";
import type { LackedFiles, LackedModule } from "../lacks.ts";
import type { Queryable } from "./pool.ts";

/** One thing that a crash lacked: its row, and what the numbers in that stand for. */
export interface CrashLack {
  readonly row: LackRow;
  readonly symbols: LackedSymbols;
  /** Null for a native module. */
  readonly files: LackedFiles | null;
}

export type LackedSymbols =
  | { readonly kind: "python"; readonly projectId: number; readonly release: string }
  | ({ readonly kind: "native"; readonly projectId: number } & LackedModule);

/** A row of crash_lacks, the crash left out. */
export interface LackRow {
  readonly key: number;
  /** Of the symbols that the report was made with; see the table. */
  readonly version: number;
  readonly files: number | null;
}

/** Hashes are cut to what a JavaScript number holds exactly. Should two things meet in one key, crashes are looked at in vain. */
const HASH_DIGITS = 13;

const keyOf = (...parts: readonly (string | number)[]): number =>
  Number.parseInt(
    createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, HASH_DIGITS),
    16,
  );

/** A native module goes by its debug id: dumps may know but the beginning of a build id, of which that is made. */
export const lackKey = (symbols: LackedSymbols): number =>
  symbols.kind === "python"
    ? keyOf("python", symbols.projectId, symbols.release)
    : keyOf("native", symbols.projectId, symbols.debugId ?? symbols.buildId ?? symbols.name);

/** Of the list itself: crashes with the same stack share it. */
const filesKey = ({ own, installed }: LackedFiles): number =>
  keyOf("files", ...own, "", ...installed);

export const crashLack = (
  symbols: LackedSymbols,
  version: number,
  files: LackedFiles | null,
): CrashLack => ({
  row: { key: lackKey(symbols), version, files: files === null ? null : filesKey(files) },
  symbols,
  files,
});

const noteSymbols = `
  insert into lacked_symbols (key, project_id, kind, release, name, build_id, debug_id, last_seen)
  select distinct on (key) key, project_id, kind, release, name, build_id, debug_id, now()
    from jsonb_to_recordset($1::jsonb) as r (
      key bigint, project_id integer, kind text, release text, name text, build_id text, debug_id text)
   order by key
  on conflict (key) do update set last_seen = now(), name = excluded.name,
    build_id = coalesce(lacked_symbols.build_id, excluded.build_id)`;

const noteFiles = `
  insert into lacked_files (key, own, installed, last_seen)
  select distinct on (key) key, own, installed, now()
    from jsonb_to_recordset($1::jsonb) as r (key bigint, own text[], installed text[]) order by key
  on conflict (key) do update set last_seen = now()`;

/**
 * Writes down what keys stand for, before rows with them are saved. Needed once a day for a key: `dropForgottenLacks`
 * takes away what nobody noted for longer than crashes are kept.
 */
export async function noteLacks(db: Queryable, lacks: readonly CrashLack[]): Promise<void> {
  const symbols = lacks.map(symbolsRow);
  if (symbols.length > 0)
    await db.query({ name: "note-symbols", text: noteSymbols, values: [JSON.stringify(symbols)] });
  const files = lacks.flatMap(({ row, files: list }) =>
    list === null ? [] : [{ key: row.files, ...list }],
  );
  if (files.length > 0)
    await db.query({ name: "note-files", text: noteFiles, values: [JSON.stringify(files)] });
}

function symbolsRow({ row, symbols }: CrashLack): Record<string, unknown> {
  const { kind, projectId } = symbols;
  const common = { key: row.key, kind, project_id: projectId };
  if (symbols.kind === "python") return { ...common, release: symbols.release };
  const { name, buildId, debugId } = symbols;
  return { ...common, name, build_id: buildId, debug_id: debugId };
}

/** Takes away what keys stood for that no kept crash can have. */
export async function dropForgottenLacks(
  db: Queryable,
  now: Date,
  retentionDays: number,
): Promise<number> {
  const before = [new Date(now.getTime() - (retentionDays + SPARE_DAYS) * DAY_MS)];
  const symbols = await db.query("delete from lacked_symbols where last_seen < $1", before);
  const files = await db.query("delete from lacked_files where last_seen < $1", before);
  return (symbols.rowCount ?? 0) + (files.rowCount ?? 0);
}

const DAY_MS = 86_400_000;
/** A partition goes a day after its last crash, and a key is noted once a day. */
const SPARE_DAYS = 3;
