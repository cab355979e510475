/**
 * HandleDataStream: what the process had open on Windows (minidumpapiset.h,
 * MINIDUMP_HANDLE_DATA_STREAM). Not handled: MINIDUMP_HANDLE_OBJECT_INFORMATION, the chain of
 * details that a descriptor of version 2 leads to.
 */
import { struct, u32, u64 } from "@faultline/bytes";
import { MAX_RECORDS } from "../limits.ts";
import { readSizedList, type Stream } from "../stream.ts";

const MinidumpHandleDescriptor = struct("MINIDUMP_HANDLE_DESCRIPTOR", {
  handle: u64,
  typeNameRva: u32,
  objectNameRva: u32,
  attributes: u32,
  grantedAccess: u32,
  handleCount: u32,
  pointerCount: u32,
});

export interface Handle {
  readonly handle: bigint;
  /** "File", "Event"; empty where the writer could not tell. */
  readonly type: string;
  readonly object: string;
  readonly attributes: number;
  readonly grantedAccess: number;
}

export const HandleData: Stream<readonly Handle[]> = {
  type: 12,
  read: ({ cursor, file }) =>
    readSizedList(cursor, 4, {
      what: "MINIDUMP_HANDLE_DATA_STREAM.NumberOfDescriptors",
      record: MinidumpHandleDescriptor,
      size: 32,
      max: MAX_RECORDS,
      limit: "MAX_RECORDS",
    }).map(({ handle, typeNameRva, objectNameRva, attributes, grantedAccess }) => ({
      handle,
      type: file.utf16At(typeNameRva, "MINIDUMP_HANDLE_DESCRIPTOR.TypeName"),
      object: file.utf16At(objectNameRva, "MINIDUMP_HANDLE_DESCRIPTOR.ObjectName"),
      attributes,
      grantedAccess,
    })),
};
