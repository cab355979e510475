/** The CPUs by name, and what an operating system changes about them. */
import { amd64, amd64Windows } from "./amd64.ts";
import { arm, armIos } from "./arm.ts";
import { arm64 } from "./arm64.ts";
import type { Cpu, CpuName } from "./cpu.ts";
import { x86 } from "./x86.ts";

/** Operating systems whose stacks differ from what the ABI of the CPU says. */
export type Os = "windows" | "ios" | "other";

const cpus: Readonly<Record<CpuName, Cpu>> = { amd64, arm64, x86, arm };

export function cpuOf(name: CpuName, os: Os): Cpu {
  if (name === "amd64" && os === "windows") return amd64Windows;
  if (name === "arm" && os === "ios") return armIos;
  return cpus[name];
}

/** By DWARF register number. */
export const registerNames = (name: CpuName): readonly string[] => cpus[name].registerNames;

/** Registers by DWARF number from named ones (`rip`, `x29` or `fp`, …); names that the walk does not follow are left out. */
export function registersOf(
  name: CpuName,
  named: Iterable<readonly [name: string, value: bigint]>,
): (bigint | undefined)[] {
  const cpu = cpus[name];
  const registers = Array.from<bigint | undefined>({ length: cpu.registerNames.length });
  for (const [register, value] of named) {
    const number = cpu.aliases[register] ?? cpu.registerNames.indexOf(register);
    if (number >= 0) registers[number] = value;
  }
  return registers;
}
