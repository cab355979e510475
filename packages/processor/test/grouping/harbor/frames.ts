/** Frames as a report has them, of Python code and of native code. */
import { share } from "./chance.ts";
import type { Fleet } from "./fleet.ts";
import { placeOf } from "./layout.ts";
import { pythonLine } from "./lines.ts";
import type { NativeFrame } from "./native-frame.ts";
import { modulePath, type Process, pythonPath } from "./paths.ts";
import { odds } from "./probabilities.ts";
import type { PythonSegment } from "./scene.ts";
import { type Source, sourceAt } from "./sources.ts";
import { nameOf } from "./symbols.ts";

export interface PythonFrame extends Source {
  readonly language: "python";
  readonly function: string;
  readonly module: null;
}

export interface ReportedFrame extends Source {
  readonly language: "native";
  readonly function: string | null;
  readonly module: string | null;
  readonly offset: string;
  readonly inline: boolean;
  readonly foundBy: FoundBy;
}

/** `context`: the registers; `fp`: frame pointers; `scan`: words that look like return addresses. */
export type FoundBy = "context" | "cfi" | "fp" | "scan";

export function pythonFrame(fleet: Fleet, segment: PythonSegment, process: Process): PythonFrame {
  const { file, name, site } = segment;
  const named =
    file === "CELL" && process.minor < 11 && share(process.image.id, "ipy") < odds.cellNames;
  return {
    language: "python",
    function: named ? `<cell line: ${1 + (site % 5)}>` : name,
    file: pythonPath(fleet, file, process),
    line: pythonLine(fleet, segment, process),
    module: null,
  };
}

export function reportedFrame(
  fleet: Fleet,
  frame: NativeFrame,
  process: Process,
  foundBy: FoundBy,
  inline = false,
): ReportedFrame {
  const { object, name, library } = frame;
  const path = modulePath(fleet, process, object, library);
  const place = placeOf(fleet, object, name, process);
  return {
    language: "native",
    function: nameOf(fleet, frame, place, process),
    module: process.image.fullPath ? path : lastPart(path),
    ...sourceAt(fleet, frame, process),
    offset: hexadecimal(
      object === "jit"
        ? anonymousAddress(frame, process)
        : place.offset + 4 + (frame.site % Math.max(8, place.size - 8)),
    ),
    inline,
    foundBy,
  };
}

export const hexadecimal = (address: number): string => `0x${address.toString(16)}`;

const lastPart = (path: string | null): string | null => path?.split(/[\\/]/).at(-1) ?? null;

/** Code of a JIT lies in no module. */
const anonymousAddress = ({ site }: NativeFrame, { pid }: Process): number =>
  0x7f0000000000 + pid * 4096 + (site % 4096);
