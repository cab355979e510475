/** Addresses as reports write them. */
export const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** Value of "0x1f"; null for anything else, a negative offset included. */
export const hexValue = (text: string | null): bigint | null =>
  text !== null && /^0x[0-9a-f]{1,16}$/i.test(text) ? BigInt(text) : null;
