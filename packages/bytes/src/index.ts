export { type ByteOrder, Cursor, TruncatedError } from "./cursor.ts";
export {
  type Address,
  address,
  type Brand,
  type FileOffset,
  fileOffset,
  type RelativeAddress,
  relativeAddress,
  relativeTo,
} from "./offsets.ts";
export {
  array,
  bytes,
  type Fields,
  i32,
  type Reader,
  type Struct,
  struct,
  u16,
  u32,
  u64,
  u8,
} from "./struct.ts";
