export {
  escaped,
  faulthandlerText,
  type SynthCFrame,
  type SynthDump,
  type SynthFrame,
  type SynthHeader,
  type SynthThread,
} from "./faulthandler.ts";
export { behindPrefix, dockerJson, structuredLog } from "./log-envelopes.ts";
export {
  magicOf,
  type SynthCode,
  synthCode,
  type SynthHeader as SynthPycHeader,
  synthPyc,
} from "./pyc/file.ts";
export { marshalled, py, type PyObject, type StrType } from "./pyc/marshal.ts";
export {
  exceptionTable,
  linetable310,
  lnotab,
  locationTable,
  type SynthHandler,
  type SynthLine,
  type SynthPosition,
  type SynthRange,
} from "./pyc/tables.ts";
