import { Budget } from "./budget.ts";

/** The sections of one file (or of one unit of a package file) that DWARF is read from. */
export interface DwarfSections {
  readonly littleEndian: boolean;
  readonly info: Uint8Array;
  readonly abbrev: Uint8Array;
  readonly line: Uint8Array;
  readonly str: Uint8Array;
  readonly lineStr: Uint8Array;
  readonly strOffsets: Uint8Array;
  readonly addr: Uint8Array;
  readonly ranges: Uint8Array;
  readonly rnglists: Uint8Array;
  readonly budget: Budget;
}

/** Section names as in an ordinary object; a split one appends ".dwo" to them. */
const names = {
  info: ".debug_info",
  abbrev: ".debug_abbrev",
  line: ".debug_line",
  str: ".debug_str",
  lineStr: ".debug_line_str",
  strOffsets: ".debug_str_offsets",
  addr: ".debug_addr",
  ranges: ".debug_ranges",
  rnglists: ".debug_rnglists",
} as const;

const nothing = new Uint8Array();

/** `load` answers with a section's bytes by name, null when the file has none. */
export function loadSections(
  load: (name: string) => Uint8Array | null,
  littleEndian: boolean,
  split: boolean,
): DwarfSections {
  const of = (name: string): Uint8Array => load(split ? `${name}.dwo` : name) ?? nothing;
  const abbrev = of(names.abbrev);
  const ranges = of(names.ranges);
  const rnglists = of(names.rnglists);
  return {
    littleEndian,
    info: of(names.info),
    abbrev,
    line: of(names.line),
    str: of(names.str),
    lineStr: of(names.lineStr),
    strOffsets: of(names.strOffsets),
    addr: of(names.addr),
    ranges,
    rnglists,
    budget: new Budget(abbrev.length, ranges.length + rnglists.length),
  };
}
