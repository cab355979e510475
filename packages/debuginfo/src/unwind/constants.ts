/**
 * Codes of call frame information. Instructions: DWARF 5, section 7.24, table 7.29; vendors' per GCC's
 * dwarf2.def and "DWARF for the Arm 64-bit Architecture". Pointer encodings: LSB 5.0 Core, section 10.5.1.
 */

/** Opcodes in the high two bits; the low six are an operand. */
export const PrimaryOp = { extended: 0, advanceLoc: 1, offset: 2, restore: 3 } as const;

/** Opcodes of which the high two bits are 0. */
export const CfaOp = {
  nop: 0x00,
  setLoc: 0x01,
  advanceLoc1: 0x02,
  advanceLoc2: 0x03,
  advanceLoc4: 0x04,
  offsetExtended: 0x05,
  restoreExtended: 0x06,
  undefined: 0x07,
  sameValue: 0x08,
  register: 0x09,
  rememberState: 0x0a,
  restoreState: 0x0b,
  defCfa: 0x0c,
  defCfaRegister: 0x0d,
  defCfaOffset: 0x0e,
  defCfaExpression: 0x0f,
  expression: 0x10,
  offsetExtendedSf: 0x11,
  defCfaSf: 0x12,
  defCfaOffsetSf: 0x13,
  valOffset: 0x14,
  valOffsetSf: 0x15,
  valExpression: 0x16,
  mipsAdvanceLoc8: 0x1d,
  aarch64NegateRaStateWithPc: 0x2c,
  /** The same code is DW_CFA_GNU_window_save on SPARC, which is left out. */
  aarch64NegateRaState: 0x2d,
  gnuArgsSize: 0x2e,
  gnuNegativeOffsetExtended: 0x2f,
} as const;

/** Low four bits of a pointer's encoding. */
export const PointerFormat = {
  absptr: 0x0,
  uleb128: 0x1,
  udata2: 0x2,
  udata4: 0x3,
  udata8: 0x4,
  sleb128: 0x9,
  sdata2: 0xa,
  sdata4: 0xb,
  sdata8: 0xc,
} as const;

/** Bits 4 to 6: what the pointer counts from. */
export const PointerBase = {
  absolute: 0x00,
  pcrel: 0x10,
  textrel: 0x20,
  datarel: 0x30,
  funcrel: 0x40,
  aligned: 0x50,
} as const;

/** Bit 7: the pointer is stored at the address. */
export const POINTER_INDIRECT = 0x80;
/** There is no pointer. */
export const POINTER_OMIT = 0xff;

/** Operations of DWARF expressions that are written here: DWARF 5, section 7.7.1, table 7.9. */
export const ExpressionOp = {
  deref: 0x06,
  consts: 0x11,
  dup: 0x12,
  pick: 0x15,
  and: 0x1a,
  div: 0x1b,
  minus: 0x1c,
  mod: 0x1d,
  mul: 0x1e,
  neg: 0x1f,
  plus: 0x22,
  breg0: 0x70,
  bregx: 0x92,
} as const;
