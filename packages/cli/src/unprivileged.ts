/**
 * How a program that refuses to run as root is run all the same: Postgres does refuse.
 *
 * `setpriv` (util-linux) gives the process another uid, and leaves it one capability: to pass through
 * folders, and read, regardless of their mode. Without it a server under /root or a folder made by
 * `mktemp -d` could not reach its own program and data.
 */
import { readFileSync, statSync } from "node:fs";

/** nobody, on every Linux. */
const NOBODY = 65_534;

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Whether this process is root, where there is such a thing. */
export const isRoot = (): boolean => process.geteuid?.() === 0;

/** Who is to own a folder's files: its owner unless that is root; null when this process may use it as it is. */
export function accountFor(folder: string): Account | null {
  if (!isRoot()) return null;
  const owner = statSync(folder, { throwIfNoEntry: false });
  if (owner === undefined || owner.uid === 0) return { uid: NOBODY, gid: NOBODY };
  return { uid: owner.uid, gid: owner.gid };
}

/**
 * The words to put before a command so that it runs as that account.
 *
 * `no_setuid_fixup`: access(2) asks what the real user may do, and drops the capabilities of one who is
 * not root unless this bit is set; Postgres finds its own program with access(2).
 */
export function asAccount({ uid, gid }: Account): readonly string[] {
  const capability = passingCapability();
  return [
    "setpriv",
    `--reuid=${uid}`,
    `--regid=${gid}`,
    "--clear-groups",
    ...["--inh-caps", "--ambient-caps", "--bounding-set"].map((set) => `${set}=-all${capability}`),
    "--securebits=+no_setuid_fixup",
  ];
}

/** capability.h: CAP_DAC_READ_SEARCH; containers often lack it and have the stronger CAP_DAC_OVERRIDE. */
function passingCapability(): string {
  const line = /^CapPrm:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"));
  const permitted = BigInt(`0x${line?.[1] ?? "0"}`);
  if ((permitted >> 2n) & 1n) return ",+dac_read_search";
  if ((permitted >> 1n) & 1n) return ",+dac_override";
  return "";
}
