/**
 * One type for each kind of offset: they all look like numbers, and mixing them up yields plausible
 * wrong answers. Process addresses are bigint, everything inside a file is number.
 */

declare const kind: unique symbol;

/** `T` marked as `Name`; exists at compile time only. */
export type Brand<T, Name extends string> = T & { readonly [kind]: Name };

/** Into a file, in bytes; always below 2^53. */
export type FileOffset = Brand<number, "FileOffset">;

/** In the crashed process; 64 bits, so bigint. */
export type Address = Brand<bigint, "Address">;

/** To a module's base, in bytes: what symbol tables speak; always below 2^53. */
export type RelativeAddress = Brand<number, "RelativeAddress">;

const isFileOffset = (value: number): value is FileOffset =>
  Number.isSafeInteger(value) && value >= 0;

const isAddress = (value: bigint): value is Address => value >= 0n && value < 1n << 64n;

const isRelativeAddress = (value: number): value is RelativeAddress =>
  Number.isSafeInteger(value) && value >= 0;

/** RangeError when it cannot be one: a bug of the caller, not of the input. */
export function fileOffset(value: number): FileOffset {
  if (!isFileOffset(value)) throw new RangeError(`${value} is no offset into a file`);
  return value;
}

export function address(value: bigint): Address {
  if (!isAddress(value)) throw new RangeError(`${value} is no 64-bit address`);
  return value;
}

export function relativeAddress(value: number): RelativeAddress {
  if (!isRelativeAddress(value)) throw new RangeError(`${value} is no module-relative address`);
  return value;
}

/** `value` as an offset into the module that is mapped at `base`; RangeError when it lies below it. */
export const relativeTo = (base: Address, value: Address): RelativeAddress =>
  relativeAddress(Number(value - base));
