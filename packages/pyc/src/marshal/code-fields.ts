/**
 * Fields of a marshalled code object, as ids and numbers. Their order in the file: w_object's
 * TYPE_CODE branch of Python/marshal.c, which changed in 3.8 (posonlyargcount) and 3.11 (localsplus).
 */
export interface CodeFields {
  /** Where the code object's type byte lies in the file. */
  readonly offset: number;
  readonly argcount: number;
  readonly posonlyargcount: number;
  readonly kwonlyargcount: number;
  readonly stacksize: number;
  readonly flags: number;
  readonly firstlineno: number;
  /** Number of locals as written; -1 from 3.11 on, where it follows from `kinds`. */
  readonly nlocals: number;
  /** Ids: bytes, tuple, tuple of str. */
  readonly code: number;
  readonly consts: number;
  readonly names: number;
  /** Ids of tuples of str. From 3.11 on `varnames` is localsplusnames and the other two are NULL. */
  readonly varnames: number;
  readonly freevars: number;
  readonly cellvars: number;
  /** Id of bytes: localspluskinds; NULL before 3.11. */
  readonly kinds: number;
  /** Ids of str; `qualname` is NULL before 3.11. */
  readonly filename: number;
  readonly name: number;
  readonly qualname: number;
  /** Ids of bytes; `exceptiontable` is NULL before 3.11. */
  readonly linetable: number;
  readonly exceptiontable: number;
}
