/**
 * CONTEXT of x86-64 (winnt.h; System V ABI, AMD64 supplement, figure 3.36 for the numbers).
 * Read as far as the instruction pointer: floating point and vectors, and whatever XSAVE appends, follow it.
 */
import { bytes, type Cursor, struct, u16, u32, u64 } from "@faultline/bytes";
import { type CpuContext, cpuContext } from "./cpu-context.ts";

const Head = struct("CONTEXT (amd64)", {
  home: bytes(48), // P1Home–P6Home
  contextFlags: u32,
  mxCsr: u32,
  cs: u16,
  ds: u16,
  es: u16,
  fs: u16,
  gs: u16,
  ss: u16,
  eflags: u32,
  debug: bytes(48), // Dr0–Dr3, Dr6, Dr7
});

const General = struct("CONTEXT (amd64)", {
  rax: u64,
  rcx: u64,
  rdx: u64,
  rbx: u64,
  rsp: u64,
  rbp: u64,
  rsi: u64,
  rdi: u64,
  r8: u64,
  r9: u64,
  r10: u64,
  r11: u64,
  r12: u64,
  r13: u64,
  r14: u64,
  r15: u64,
  rip: u64,
});

const DWARF = "rax rdx rcx rbx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip".split(" ");

export function readAmd64(cursor: Cursor): CpuContext {
  const head = Head.read(cursor);
  const named = {
    ...General.read(cursor),
    eflags: BigInt(head.eflags),
    cs: BigInt(head.cs),
    ss: BigInt(head.ss),
    ds: BigInt(head.ds),
    es: BigInt(head.es),
    fs: BigInt(head.fs),
    gs: BigInt(head.gs),
  };
  return cpuContext("amd64", head.contextFlags, { dwarf: DWARF, pc: "rip", sp: "rsp" }, named);
}
