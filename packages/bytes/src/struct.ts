/** Records as tables: fields in file order, laid beside the vendor's header; names for errors come for free. */
import type { Cursor } from "./cursor.ts";

export type Reader<T> = (cursor: Cursor, field: string) => T;

/** What a table's `read` gives. */
export type Fields<S> = S extends Struct<infer T> ? T : never;

export interface Struct<T> {
  readonly name: string;
  /** Throws TruncatedError naming the field. */
  read(cursor: Cursor): T;
}

export const u8: Reader<number> = (cursor, field) => cursor.u8(field);
export const u16: Reader<number> = (cursor, field) => cursor.u16(field);
export const u32: Reader<number> = (cursor, field) => cursor.u32(field);
export const i32: Reader<number> = (cursor, field) => cursor.i32(field);
export const u64: Reader<bigint> = (cursor, field) => cursor.u64(field);

/** `length` bytes as they are. */
export const bytes =
  (length: number): Reader<Uint8Array> =>
  (cursor, field) =>
    cursor.bytes(length, field);

/** `count` values of one kind; errors name the one: "RECORD.words[3]". */
export const array =
  <T>(count: number, item: Reader<T>): Reader<readonly T[]> =>
  (cursor, field) =>
    Array.from({ length: count }, (_, index) => item(cursor, `${field}[${index}]`));

/** A record as the spec prints it: fields in file order, packed, no implied padding. */
export function struct<T>(
  name: string,
  fields: { readonly [K in keyof T]: Reader<T[K]> },
): Struct<T>;
export function struct(
  name: string,
  fields: Readonly<Record<string, Reader<unknown>>>,
): Struct<unknown> {
  const entries = Object.entries(fields).map(
    ([field, read]) => [field, `${name}.${field}`, read] as const,
  );
  return {
    name,
    read(cursor) {
      const record: Record<string, unknown> = {};
      for (const [field, label, read] of entries) record[field] = read(cursor, label);
      return record;
    },
  };
}
