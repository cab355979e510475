export { CodeFlag, CodeObject } from "./code-object.ts";
export { PycError, type PycErrorCode } from "./error.ts";
export type { ExceptionEntry } from "./exception-table.ts";
export type { PycHeader } from "./header.ts";
export type { LineRange, LineStart } from "./line-tables/table-source.ts";
export type { CodeSummary, Position, PycMap } from "./map-types.ts";
export { type Pyc, readPyc, type PycWarning } from "./pyc.ts";
export { pycJson } from "./json.ts";
export { identifyPyc, type PythonVersion } from "./versions.ts";
