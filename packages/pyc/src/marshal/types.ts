/** Python/marshal.c: type bytes of marshal versions 0 to 6, as character codes. Bit 7 (FLAG_REF) is not part of them. */
export const Type = {
  null: 0x30, // 0
  none: 0x4e, // N
  false: 0x46, // F
  true: 0x54, // T
  stopIteration: 0x53, // S
  ellipsis: 0x2e, // .
  int: 0x69, // i
  int64: 0x49, // I
  long: 0x6c, // l
  floatText: 0x66, // f
  float: 0x67, // g
  complexText: 0x78, // x
  complex: 0x79, // y
  bytes: 0x73, // s
  unicode: 0x75, // u
  interned: 0x74, // t
  ascii: 0x61, // a
  asciiInterned: 0x41, // A
  shortAscii: 0x7a, // z
  shortAsciiInterned: 0x5a, // Z
  smallTuple: 0x29, // )
  tuple: 0x28, // (
  list: 0x5b, // [
  set: 0x3c, // <
  frozenset: 0x3e, // >
  dict: 0x7b, // {
  frozendict: 0x7d, // }
  slice: 0x3a, // :
  code: 0x63, // c
  ref: 0x72, // r
} as const;

/** A type byte as it is printed in messages: `'c' (0x63)`. */
export function typeName(type: number): string {
  const shown = type > 0x20 && type < 0x7f ? `'${String.fromCharCode(type)}' ` : "";
  return `${shown}(0x${type.toString(16).padStart(2, "0")})`;
}
