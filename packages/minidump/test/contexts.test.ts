import { type SynthCpu, synthContext, synthMinidump } from "@faultline/testkit";
import { describe, expect, test } from "vitest";
import { openMinidump, type CpuContext, ThreadList } from "../src/index.ts";

/** Every register has a value of its own: where it stands in the list of names, and a mark. */
const numbered = (names: string, mark: bigint): Record<string, bigint> =>
  Object.fromEntries(names.split(" ").map((name, index) => [name, mark + BigInt(index)]));

const HIGH = 0x7fff_0000_0000_0100n;
const LOW = 0x8000_0100n;

/** Of each CPU: its registers in the order of DWARF's numbers, then others that are told. */
const CPUS: readonly {
  readonly cpu: SynthCpu;
  readonly dwarf: string;
  readonly others: string;
  readonly mark: bigint;
  readonly pc: string;
  readonly sp: string;
}[] = [
  {
    cpu: "amd64",
    dwarf: "rax rdx rcx rbx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip",
    others: "cs ss fs gs",
    mark: HIGH,
    pc: "rip",
    sp: "rsp",
  },
  {
    cpu: "x86",
    dwarf: "eax ecx edx ebx esp ebp esi edi eip",
    others: "eflags cs ss ds es fs gs",
    mark: LOW,
    pc: "eip",
    sp: "esp",
  },
  {
    cpu: "arm",
    dwarf: "r0 r1 r2 r3 r4 r5 r6 r7 r8 r9 r10 fp r12 sp lr pc",
    others: "cpsr",
    mark: LOW,
    pc: "pc",
    sp: "sp",
  },
  ...(["arm64", "arm64-old"] as const).map((cpu) => ({
    cpu,
    dwarf:
      "x0 x1 x2 x3 x4 x5 x6 x7 x8 x9 x10 x11 x12 x13 x14 x15 x16 x17 x18 x19 x20 x21 x22 x23 x24 x25 x26 x27 x28 fp lr sp pc",
    others: "cpsr",
    mark: HIGH,
    pc: "pc",
    sp: "sp",
  })),
];

function contextOf(bytes: Uint8Array): CpuContext | undefined {
  const dump = openMinidump(bytes);
  const thread = dump.stream(ThreadList)?.[0];
  return thread && dump.context(thread.context);
}

describe.each(CPUS)("$cpu", ({ cpu, dwarf, others, mark, pc, sp }) => {
  const general = numbered(dwarf, mark);
  const registers = { ...general, ...numbered(others, 0x20n) };

  // no machine is both big endian and so old
  const orders = cpu === "arm64-old" ? (["little"] as const) : (["little", "big"] as const);

  test.each(orders)("registers by DWARF number and by name, %s endian", (endian) => {
    const bytes = synthMinidump({ endian })
      .systemInfo({ cpu, os: "linux" })
      .thread({ id: 1, registers })
      .finish();
    const context = contextOf(bytes);
    expect(context?.registers).toEqual(Object.values(general));
    expect(context?.named).toMatchObject(registers);
    expect(context?.pc).toBe(general[pc]);
    expect(context?.sp).toBe(general[sp]);
    expect(context?.cpu).toBe(cpu.replace("-old", ""));
  });

  test("whatever XSAVE appends is skipped", () => {
    const bytes = synthMinidump({ contextExtra: 1000 })
      .systemInfo({ cpu, os: "windows" })
      .thread({ id: 1, registers })
      .finish();
    expect(contextOf(bytes)?.registers).toEqual(Object.values(general));
  });

  test("a record that ends before its last register is refused", () => {
    const context = synthContext(cpu, registers).subarray(0, 60);
    const bytes = synthMinidump().systemInfo({ cpu, os: "linux" }).thread({ id: 1, context });
    expect(() => contextOf(bytes.finish())).toThrow(/want \d+ bytes, found \d+/);
  });
});

test("the flags name the other of two layouts of one CPU: the code of the system info does not", () => {
  const context = synthContext("arm64-old", { pc: 0x1234n });
  const bytes = synthMinidump()
    .systemInfo({ cpu: "arm64", os: "linux" })
    .thread({ id: 1, context });
  expect(contextOf(bytes.finish())?.pc).toBe(0x1234n);
});

test("a context of another CPU is refused", () => {
  const bytes = synthMinidump()
    .systemInfo({ cpu: "arm64", os: "linux" })
    .thread({ id: 1, context: synthContext("x86", {}) });
  expect(() => contextOf(bytes.finish())).toThrow("want the flag of arm64");
});

test.each([
  ["of a CPU that is not known here", { architecture: 0x8005 }],
  ["of one that nobody knows", { architecture: 0x1234 }],
])("a context %s is undefined", (_, code) => {
  const bytes = synthMinidump()
    .systemInfo({ cpu: "amd64", os: "linux", ...code })
    .thread({ id: 1, registers: { rip: 1n } });
  expect(contextOf(bytes.finish())).toBeUndefined();
});

test("so is one that is not there, or without system info", () => {
  expect(
    contextOf(synthMinidump().systemInfo({ cpu: "amd64", os: "linux" }).thread({ id: 1 }).finish()),
  ).toBeUndefined();
  expect(
    contextOf(
      synthMinidump()
        .thread({ id: 1, registers: { rip: 1n } })
        .finish(),
    ),
  ).toBeUndefined();
});
