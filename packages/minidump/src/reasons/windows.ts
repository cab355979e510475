/** Windows: an exception code with its parameters (winnt.h, EXCEPTION_RECORD). */
import type { Exception } from "../streams/exception.ts";
import { type CrashReason, named, type Names } from "./reason.ts";
import { FAST_FAIL, STATUS } from "./ntstatus.ts";

const ACCESS_VIOLATION = 0xc0000005;
const IN_PAGE_ERROR = 0xc0000006;
const STACK_BUFFER_OVERRUN = 0xc0000409;

/** First parameter of an access violation. */
const ACCESS: Names = { 0: "READ", 1: "WRITE", 8: "EXEC" };

/** Codes and kinds of access are 32 bits of a parameter of 64. */
const low = (parameter: bigint): number => Number(BigInt.asUintN(32, parameter));

/** What the parameters say beyond the code; an error of paging also why the page could not be had. */
function subcode(reason: string, { code, information }: Exception): string | null {
  const [first, , third] = information;
  if (first === undefined) return null;
  if (code === STACK_BUFFER_OVERRUN) return named(FAST_FAIL, low(first));
  if (code !== ACCESS_VIOLATION && code !== IN_PAGE_ERROR) return null;
  const access = `${reason}_${named(ACCESS, low(first))}`;
  const status =
    code === IN_PAGE_ERROR && third !== undefined ? ` / ${named(STATUS, low(third))}` : "";
  return access + status;
}

export function windowsReason(exception: Exception): CrashReason {
  const { code, address, information } = exception;
  const reason = named(STATUS, code);
  const accessed = code === ACCESS_VIOLATION || code === IN_PAGE_ERROR ? information[1] : undefined;
  return {
    reason,
    code: subcode(reason, exception),
    address: accessed ?? address,
    addressOf: accessed === undefined ? "instruction" : "access",
  };
}
