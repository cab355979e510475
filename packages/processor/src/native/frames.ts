/** Frames of a walk → frames of the report: the inlined calls of each, then the function that they were inlined into. */
import type { SourceFrame } from "@faultline/debuginfo/cache";
import type { FoundBy, NativeFrame } from "@faultline/shared";
import { hex } from "../hex.ts";
import type { ModuleMap } from "./modules.ts";

/** One activation: a return address on the stack, and what the report shows of it. */
export interface Activation {
  /** Stack pointer once its callee has returned; its own locals lie between this and the next one's. */
  readonly sp: bigint;
  readonly pc: bigint;
  /** Innermost first; the last one is the function itself, those before it were inlined. */
  readonly frames: readonly NativeFrame[];
}

/** A frame of a walk, or of a text. */
interface FoundFrame {
  readonly pc: bigint;
  /** Inside the call for a caller. */
  readonly lookupPc: bigint;
  readonly sp: bigint;
  readonly foundBy: FoundBy;
  readonly signalFrame: boolean;
}

export function activationOf(frame: FoundFrame, modules: ModuleMap): Activation {
  const { pc, lookupPc, sp, foundBy, signalFrame } = frame;
  const module = modules.at(lookupPc);
  const sources = module?.cache?.frames(Number(lookupPc - module.base)) ?? [];
  const place = {
    pc: hex(pc),
    module: module?.identity.name ?? null,
    offset: module === null ? null : hex(pc - module.base),
    role: signalFrame ? "trampoline" : null,
  };
  const frames = (sources.length > 0 ? sources : [unknown]).map((source): NativeFrame => ({
    language: "native",
    ...place,
    ...source,
    function: source.function === null ? null : authoredName(source.function),
    foundBy: source.inline ? "inline" : foundBy,
  }));
  return { sp, pc, frames };
}

/**
 * Without what compilers and linkers add to the names of clones and parts ("sort.part.0", "f() (.cold)", "g.lto_priv.0") and the
 * version of an exported symbol ("open@@GLIBC_2.2.5"): all of it stays in the linkage name.
 */
const authoredName = (name: string): string => name.replace(ADDITIONS, "") || name;

const ADDITIONS =
  /@@?[A-Za-z_][\w.]*$|(?: \()?(?:\.(?:part|cold|constprop|isra|lto_priv|llvm|localalias|clone)(?:\.\d+)*)+\)?$/;

const unknown: SourceFrame = {
  function: null,
  linkageName: null,
  file: null,
  line: null,
  column: null,
  inline: false,
};
