/** LinuxAuxv: /proc/PID/auxv, what the kernel told the process at its start (getauxval(3), elf.h AT_*). */
import { MAX_AUXV_ENTRIES } from "../limits.ts";
import { wordSize } from "../platform.ts";
import type { Stream } from "../stream.ts";

const NAMES: Readonly<Record<number, string>> = {
  3: "AT_PHDR",
  4: "AT_PHENT",
  5: "AT_PHNUM",
  6: "AT_PAGESZ",
  7: "AT_BASE",
  8: "AT_FLAGS",
  9: "AT_ENTRY",
  11: "AT_UID",
  12: "AT_EUID",
  13: "AT_GID",
  14: "AT_EGID",
  15: "AT_PLATFORM",
  16: "AT_HWCAP",
  17: "AT_CLKTCK",
  23: "AT_SECURE",
  24: "AT_BASE_PLATFORM",
  25: "AT_RANDOM",
  26: "AT_HWCAP2",
  31: "AT_EXECFN",
  32: "AT_SYSINFO",
  33: "AT_SYSINFO_EHDR",
  51: "AT_MINSIGSTKSZ",
};

const AT_NULL = 0n;

/** By name, "AT_77" for one that is not known here. Ends at AT_NULL or where the stream does. */
export const LinuxAuxv: Stream<ReadonlyMap<string, bigint>> = {
  type: 0x47670008,
  read({ cursor, platform }) {
    const size = wordSize(platform().cpu);
    const word = (): bigint => (size === 8 ? cursor.u64("a_val") : BigInt(cursor.u32("a_val")));
    const entries = new Map<string, bigint>();
    while (cursor.remaining >= 2 * size && entries.size < MAX_AUXV_ENTRIES) {
      const [type, value] = [word(), word()];
      if (type === AT_NULL) break;
      entries.set(NAMES[Number(type)] ?? `AT_${type}`, value);
    }
    return entries;
  },
};
