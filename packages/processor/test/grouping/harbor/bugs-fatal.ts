/** Fatal errors: the interpreter finds itself misused and ends the process. */
import type { Dice } from "../world/dice.ts";
import type { Fleet } from "./fleet.ts";
import type { Moment } from "./images.ts";
import { type NativeFrame, py } from "./native-frame.ts";
import { oftenGuilty, pickObject } from "./objects.ts";
import { reachOf, reached } from "./reach.ts";
import { type Bug, died, kindOn, type Stack, withInnermost } from "./scene.ts";
import { SITES, stackOf } from "./stack.ts";
import { abortFrames } from "./system-frames.ts";

interface Fatal {
  readonly message: string;
  readonly inside: string;
  /** Noticed in a call of an extension, at its return, in Python code, at a buffer's flush. */
  readonly noticed: "in call" | "at return" | "in Python" | "in flush";
}

const withoutGil =
  "the function must be called with the GIL held, but the GIL is released (the current Python thread state is NULL)";
const fatals: readonly Fatal[] = [
  {
    message: `PyEval_SaveThread: ${withoutGil}`,
    inside: "_Py_FatalErrorFunc PyEval_SaveThread",
    noticed: "in call",
  },
  {
    message: `PyThreadState_Get: ${withoutGil.replace(",", ", after Python initialization and before Python finalization,")}`,
    inside: "_Py_FatalErrorFunc PyThreadState_Get",
    noticed: "in call",
  },
  {
    message: "_Py_CheckFunctionResult: a function returned NULL without setting an exception",
    inside: "_Py_FatalErrorFormat _Py_CheckFunctionResult",
    noticed: "at return",
  },
  {
    message: "_Py_CheckFunctionResult: a function returned a result with an exception set",
    inside: "_Py_FatalErrorFormat _Py_CheckFunctionResult",
    noticed: "at return",
  },
  {
    message:
      "_enter_buffered_busy: could not acquire lock for <_io.BufferedWriter name='<stderr>'> at interpreter shutdown, possibly due to daemon threads",
    inside: "_Py_FatalErrorFunc _enter_buffered_busy",
    noticed: "in flush",
  },
  {
    message: "PyGILState_Release: auto-releasing thread-state, but no thread-state for this thread",
    inside: "_Py_FatalErrorFunc PyGILState_Release",
    noticed: "in call",
  },
  {
    message: "gc_alloc: out of memory",
    inside: "_Py_FatalErrorFunc _PyObject_GC_Alloc",
    noticed: "in Python",
  },
  {
    message: "deallocating True: bug likely caused by a refcount error in a C extension",
    inside: "_Py_FatalErrorFunc bool_dealloc",
    noticed: "in Python",
  },
  {
    message: "unexpected exception during garbage collection",
    inside: "_Py_FatalErrorFunc PyErr_WriteUnraisable",
    noticed: "in Python",
  },
];

export function fatalError(roll: Dice, fleet: Fleet): Bug {
  const fatal = roll.pick(fatals);
  const object = pickObject(roll, fleet.objects, ({ binding }) => binding !== "numpy");
  const guilty = roll.pick(fatal.noticed === "at return" ? object.entries : oftenGuilty(object));
  const reach = reachOf(roll, fleet, object, guilty);
  const func = roll.pick(fleet.program.all);
  const site = roll.between(0, SITES - 1);
  const inPython = fatal.noticed === "in Python" || fatal.noticed === "in flush";

  const dying = (now: Dice, moment: Moment): Stack => {
    const frames = [
      ...abortFrames(moment),
      ...["fatal_error_exit", "fatal_error", ...fatal.inside.split(" ")].map(py),
    ];
    switch (fatal.noticed) {
      case "in call":
        return reached(fleet, reach, now, moment, frames);
      case "at return": {
        const stack = reached(fleet, reach, now, moment, []);
        return withInnermost(stack, () => frames);
      }
      case "in Python":
      case "in flush":
        return stackOf(fleet, now, moment, { func, site, ...python(fatal, frames) });
    }
  };
  return {
    services: inPython ? func.services : reach.services,
    happen: (now, moment) => {
      const { message } = fatal;
      return died(dying(now, moment), kindOn(moment, "SIGABRT"), {
        message: moment.minor === 8 ? formerly(message) : message,
        fatal: true,
      });
    },
  };
}

const python = ({ noticed }: Fatal, frames: readonly NativeFrame[]) =>
  noticed === "in flush"
    ? {
        layer: [{ file: "LIB/logging/__init__.py", name: "emit" }],
        segment: {
          frames: [...frames, py("_io_BufferedWriter_write")],
          convention: "methfast",
        } as const,
      }
    : { segment: { frames, convention: "direct" } as const };

/** 3.8 did not name the function that noticed, and had other words for a thread without the GIL. */
function formerly(message: string): string {
  const noThread = message.startsWith("PyEval")
    ? "PyEval_SaveThread: NULL tstate"
    : "PyThreadState_Get: no current thread";
  return message
    .replace(/^\w+: (?=the function|a function|auto|could)/, "")
    .replace(/the function must be called.*/, noThread);
}
