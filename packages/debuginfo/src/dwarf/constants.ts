/**
 * The DWARF codes that are used here. Names and values: DWARF 5, section 7.5 (tags, attributes, forms),
 * 7.12 (languages), 7.22 (line programs), 7.25 (range lists); the GNU ones from GCC's dwarf2.def.
 */

/** Section 7.5.1, table 7.2: unit header unit types. */
export const UnitType = {
  compile: 1,
  type: 2,
  partial: 3,
  skeleton: 4,
  splitCompile: 5,
  splitType: 6,
} as const;

/** Section 7.5.3, table 7.3. */
export const Tag = {
  arrayType: 0x01,
  enumerationType: 0x04,
  compileUnit: 0x11,
  structureType: 0x13,
  subroutineType: 0x15,
  unionType: 0x17,
  inlinedSubroutine: 0x1d,
  subprogram: 0x2e,
  partialUnit: 0x3c,
  callSite: 0x48,
  skeletonUnit: 0x4a,
  gnuCallSite: 0x4109,
} as const;

/** Section 7.5.4, table 7.5. */
export const Attribute = {
  sibling: 0x01,
  name: 0x03,
  stmtList: 0x10,
  lowPc: 0x11,
  highPc: 0x12,
  language: 0x13,
  compDir: 0x1b,
  inline: 0x20,
  producer: 0x25,
  abstractOrigin: 0x31,
  declaration: 0x3c,
  specification: 0x47,
  ranges: 0x55,
  callColumn: 0x57,
  callFile: 0x58,
  callLine: 0x59,
  linkageName: 0x6e,
  strOffsetsBase: 0x72,
  addrBase: 0x73,
  rnglistsBase: 0x74,
  dwoName: 0x76,
  mipsLinkageName: 0x2007,
  gnuDwoName: 0x2130,
  gnuDwoId: 0x2131,
  gnuRangesBase: 0x2132,
  gnuAddrBase: 0x2133,
} as const;

/** Section 7.5.6, table 7.6. */
export const Form = {
  addr: 0x01,
  block2: 0x03,
  block4: 0x04,
  data2: 0x05,
  data4: 0x06,
  data8: 0x07,
  string: 0x08,
  block: 0x09,
  block1: 0x0a,
  data1: 0x0b,
  flag: 0x0c,
  sdata: 0x0d,
  strp: 0x0e,
  udata: 0x0f,
  refAddr: 0x10,
  ref1: 0x11,
  ref2: 0x12,
  ref4: 0x13,
  ref8: 0x14,
  refUdata: 0x15,
  indirect: 0x16,
  secOffset: 0x17,
  exprloc: 0x18,
  flagPresent: 0x19,
  strx: 0x1a,
  addrx: 0x1b,
  refSup4: 0x1c,
  strpSup: 0x1d,
  data16: 0x1e,
  lineStrp: 0x1f,
  refSig8: 0x20,
  implicitConst: 0x21,
  loclistx: 0x22,
  rnglistx: 0x23,
  refSup8: 0x24,
  strx1: 0x25,
  strx2: 0x26,
  strx3: 0x27,
  strx4: 0x28,
  addrx1: 0x29,
  addrx2: 0x2a,
  addrx3: 0x2b,
  addrx4: 0x2c,
  gnuAddrIndex: 0x1f01,
  gnuStrIndex: 0x1f02,
  gnuRefAlt: 0x1f20,
  gnuStrpAlt: 0x1f21,
} as const;

/** Section 7.25, table 7.30. */
export const RangeEntry = {
  endOfList: 0,
  baseAddressx: 1,
  startxEndx: 2,
  startxLength: 3,
  offsetPair: 4,
  baseAddress: 5,
  startEnd: 6,
  startLength: 7,
} as const;

/** Section 7.22, table 7.25. */
export const LineOp = {
  copy: 1,
  advancePc: 2,
  advanceLine: 3,
  setFile: 4,
  setColumn: 5,
  negateStmt: 6,
  setBasicBlock: 7,
  constAddPc: 8,
  fixedAdvancePc: 9,
  setPrologueEnd: 10,
  setEpilogueBegin: 11,
  setIsa: 12,
} as const;

/** Section 7.22, table 7.26. */
export const LineExtendedOp = {
  endSequence: 1,
  setAddress: 2,
  defineFile: 3,
  setDiscriminator: 4,
} as const;

/** Section 7.22, table 7.27. */
export const LineContent = { path: 1, directoryIndex: 2, timestamp: 3, size: 4, md5: 5 } as const;

/** Section 7.12, table 7.17, and the list of codes given out since; those that matter here. */
export const Language = {
  c89: 0x01,
  c: 0x02,
  c99: 0x0c,
  c11: 0x1d,
  c17: 0x2c,
  c23: 0x3e,
  /** Assemblers of all machines write it. */
  mipsAssembler: 0x8001,
} as const;
