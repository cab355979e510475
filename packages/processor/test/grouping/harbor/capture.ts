/** What one capture keeps of a scene: the text of its Python frames, native frames, or both. */
import type { Labelled } from "../labelled.ts";
import type { Dice } from "../world/dice.ts";
import { weighted } from "./chance.ts";
import type { Fleet } from "./fleet.ts";
import { pythonFrame, type PythonFrame, type ReportedFrame } from "./frames.ts";
import type { Moment } from "./images.ts";
import { merged } from "./merge.ts";
import type { Process } from "./paths.ts";
import { type Capture, MAX_TEXT_FRAMES, odds } from "./probabilities.ts";
import { isNative, type Scene } from "./scene.ts";
import { walked } from "./walk.ts";

type Captured = Pick<Labelled, "capture" | "input">;

export function captured(fleet: Fleet, roll: Dice, moment: Moment, scene: Scene): Captured {
  const process = {
    ...moment,
    pid: roll.between(200, 99_999),
    cell: roll.between(1e8, 4e9),
  };
  const capture = captureOf(roll, scene);
  const heard = roll.chance((scene.fatal ? odds.heardFatal : odds.heard)[capture]);
  const stack =
    capture === "text"
      ? textFrames(fleet, roll, process, scene)
      : machineFrames(fleet, roll, process, scene, capture);
  const garbageCollecting = scene.collecting && capture === "text" && moment.minor >= 10;
  return {
    capture,
    input: {
      ...deathOf(scene.kind, capture),
      message: heard ? scene.message : null,
      classification: null,
      crashingThread: 0,
      threads: [{ stack, garbageCollecting }],
    },
  };
}

/** faulthandler knows neither traps nor threads that Python does not know. */
function captureOf(roll: Dice, { kind, base }: Scene): Capture {
  const drawn = weighted(roll, odds.capture);
  if (base === "none") return roll.chance(odds.threadBoth) ? "both" : "native";
  return kind === "SIGTRAP" && drawn === "text" ? "native" : drawn;
}

function deathOf(kind: string, capture: Capture) {
  if (kind === "hang") return { kind: "timeout", reason: null };
  if (kind.startsWith("EXC")) return { kind: "windows-exception", reason: kind };
  // abort() of Windows' C runtime raises its signal, which reaches faulthandler first.
  const raised = kind === "STATUS_STACK_BUFFER_OVERRUN" && capture === "text";
  return { kind: "signal", reason: raised ? "SIGABRT" : kind };
}

function textFrames(
  fleet: Fleet,
  roll: Dice,
  process: Process,
  { segments }: Scene,
): readonly PythonFrame[] {
  const pythons = segments.flatMap((each) => (isNative(each) ? [] : [each])).toReversed();
  const limit = roll.chance(odds.textCut) ? roll.between(2, 12) : MAX_TEXT_FRAMES;
  return pythons.slice(0, limit).map((each) => pythonFrame(fleet, each, process));
}

function machineFrames(
  fleet: Fleet,
  roll: Dice,
  process: Process,
  scene: Scene,
  capture: Capture,
): readonly (PythonFrame | ReportedFrame)[] {
  const both = capture === "both";
  const found = walked(fleet, roll, process, scene, both);
  return (both ? merged(fleet, process, found) : found)
    .slice(0, process.image.maxFrames)
    .map((each) => ("python" in each ? each.python : each.native));
}
