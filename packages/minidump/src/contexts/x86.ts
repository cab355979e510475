/** CONTEXT of x86 (winnt.h; System V ABI, Intel386 supplement, table 2.14 for the numbers), up to SegSs. */
import { bytes, type Cursor, struct, u32 } from "@faultline/bytes";
import { word } from "../records.ts";
import { type CpuContext, cpuContext } from "./cpu-context.ts";

const Head = struct("CONTEXT (x86)", {
  contextFlags: u32,
  debug: bytes(24), // Dr0–Dr3, Dr6, Dr7
  floatSave: bytes(112), // FLOATING_SAVE_AREA
});

const General = struct("CONTEXT (x86)", {
  gs: word,
  fs: word,
  es: word,
  ds: word,
  edi: word,
  esi: word,
  ebx: word,
  edx: word,
  ecx: word,
  eax: word,
  ebp: word,
  eip: word,
  cs: word,
  eflags: word,
  esp: word,
  ss: word,
});

const DWARF = "eax ecx edx ebx esp ebp esi edi eip".split(" ");

export function readX86(cursor: Cursor): CpuContext {
  const { contextFlags } = Head.read(cursor);
  const named = { ...General.read(cursor) };
  return cpuContext("x86", contextFlags, { dwarf: DWARF, pc: "eip", sp: "esp" }, named);
}
