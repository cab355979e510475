/**
 * Local variables of a code object. Before 3.11 the file lists them by kind; from 3.11 on there is one
 * list, and `co_localspluskinds` holds a byte of flags for each (Include/internal/pycore_code.h).
 */
import type { CodeFields } from "./marshal/code-fields.ts";
import { NULL } from "./marshal/objects.ts";
import type { NumberList } from "./number-list.ts";
import type { PycFile } from "./pyc-file.ts";

/** CO_FAST_LOCAL, CO_FAST_CELL, CO_FAST_FREE; other bits (hidden, argument) say nothing about the kind. */
export const LocalKind = { local: 0x20, cell: 0x40, free: 0x80 } as const;
export type LocalKind = (typeof LocalKind)[keyof typeof LocalKind];

/** Ids of the names of one kind, in order: `co_varnames`, `co_cellvars` or `co_freevars`. */
export function localNames(file: PycFile, fields: CodeFields, kind: LocalKind): number[] {
  const { objects, bytes } = file;
  const ids: number[] = [];
  if (fields.kinds === NULL) {
    const tuple = listOf(fields, kind);
    for (let index = 0; index < objects.size(tuple); index++) ids.push(objects.child(tuple, index));
    return ids;
  }
  const kinds = objects.start(fields.kinds);
  for (let index = 0; index < objects.size(fields.varnames); index++) {
    if ((bytes[kinds + index]! & kind) !== 0) ids.push(objects.child(fields.varnames, index));
  }
  return ids;
}

/** Adds the ids of the first `count` local variables: the arguments come first. */
export function addLocalNames(
  file: PycFile,
  fields: CodeFields,
  count: number,
  ids: NumberList,
): void {
  const { objects, bytes } = file;
  const kinds = fields.kinds === NULL ? -1 : objects.start(fields.kinds);
  for (let index = 0, left = count; left > 0; index++) {
    if (kinds >= 0 && (bytes[kinds + index]! & LocalKind.local) === 0) continue;
    ids.push(objects.child(fields.varnames, index));
    left--;
  }
}

/** Number of local variables, from 3.11 on. */
export function numberOfLocals({ objects, bytes }: PycFile, fields: CodeFields): number {
  const start = objects.start(fields.kinds);
  let count = 0;
  for (let at = start; at < start + objects.size(fields.kinds); at++) {
    if ((bytes[at]! & LocalKind.local) !== 0) count++;
  }
  return count;
}

function listOf(fields: CodeFields, kind: LocalKind): number {
  if (kind === LocalKind.local) return fields.varnames;
  return kind === LocalKind.cell ? fields.cellvars : fields.freevars;
}
