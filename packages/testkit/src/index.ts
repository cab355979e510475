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
