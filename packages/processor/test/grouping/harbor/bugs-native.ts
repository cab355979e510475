/** Deaths in a native function: faults, instructions a processor lacks, threads without Python. */
import type { Dice } from "../world/dice.ts";
import { drawFree, frequent, hash, weighted } from "./chance.ts";
import { type Fleet, objectNamed, usersOf } from "./fleet.ts";
import { libcOf, type Moment } from "./images.ts";
import { native, type NativeFrame } from "./native-frame.ts";
import { type NativeObject, pickObject } from "./objects.ts";
import { odds } from "./probabilities.ts";
import { servicesOfAll } from "./program.ts";
import { reachOf, reached } from "./reach.ts";
import { type Bug, died, kindOn } from "./scene.ts";
import { abortFrames, type Leaf, leafFrames, WINDOWS_THREAD } from "./system-frames.ts";

/** Sometimes a second bug in a function that has one: its lines and its callers differ. */
function guiltyOf(roll: Dice, fleet: Fleet): readonly [NativeObject, string] {
  const { functions } = fleet.taken;
  if (functions.length > 0 && roll.chance(odds.sameFunction)) return roll.pick(functions);
  return drawFree(
    40,
    () => {
      const object = pickObject(roll, fleet.objects);
      const { entries, middles, leaves } = object;
      const part = weighted(roll, odds.part);
      return [
        object,
        roll.pick(part === "middle" ? middles : roll.chance(odds.entryGuilty) ? entries : leaves),
      ] as const;
    },
    ([, name]) => functions.some(([, taken]) => taken === name),
  );
}

export function nativeBug(roll: Dice, fleet: Fleet): Bug {
  const guilty = guiltyOf(roll, fleet);
  fleet.taken.functions.push(guilty);
  const [object, name] = guilty;
  const reach = reachOf(roll, fleet, object, name);
  const leaf = roll.chance(odds.libcLeaf) ? weighted(roll, odds.leaf) : null;
  const fault = weighted(roll, odds.fault);
  return {
    services: reach.services,
    happen: (now, moment) => {
      const inLibc = leaf !== null && now.chance(odds.inLeaf) ? leafFrames(moment, leaf) : [];
      const frames =
        inLibc.length === 0 && now.chance(odds.deeperLeaf) ? ownLeaf(now, object, name) : inLibc;
      const stack = reached(fleet, reach, now, moment, frames);
      const bus = fault === "SIGSEGV" && moment.system === "aarch64" && now.chance(odds.busOnArm);
      return died(stack, kindOn(moment, bus ? "SIGBUS" : fault));
    },
  };
}

function ownLeaf(
  roll: Dice,
  { key, leaves }: NativeObject,
  guilty: string,
): readonly NativeFrame[] {
  const leaf = roll.pick(leaves);
  return leaf === guilty ? [] : [native(key, leaf, roll.between(0, 99))];
}

/** A kernel picked for a processor that the host does not have. */
const dispatching: ReadonlySet<string> = new Set([
  "umath",
  "blas",
  "torch",
  "avcodec",
  "visnat",
  "tok",
  "arrow",
]);

export function illegalInstruction(roll: Dice, fleet: Fleet): Bug {
  const object = pickObject(roll, fleet.objects, ({ key }) => dispatching.has(key));
  const kernels = roll.some(roll.between(1, 4), [...object.leaves, ...object.middles]);
  const reaches = kernels.map((kernel) => reachOf(roll, fleet, object, kernel));
  const all = servicesOfAll(reaches.flatMap(({ callers }) => callers));
  return {
    services: all.slice(0, roll.between(1, 3)),
    happen: (now, moment) => {
      const reach = frequent(now, reaches, odds.skew.kernels);
      return reach.services.includes(moment.service)
        ? died(reached(fleet, reach, now, moment, []), kindOn(moment, "SIGILL"))
        : null;
    },
  };
}

/** Where an object's own threads begin. */
const threadMains: Readonly<Record<string, readonly string[]>> = {
  blas: ["blas_thread_server"],
  torch: [
    "std::thread::_State_impl<std::thread::_Invoker<std::tuple<c10::ThreadPool::ThreadPool(int, int, std::function<void ()>)::{lambda()#1}> > >::_M_run()",
  ],
  arrow: [
    "arrow::internal::WorkerLoop(std::shared_ptr<arrow::internal::ThreadPool::State>, std::_List_iterator<std::thread>)",
  ],
  cygrpc: [
    "grpc_core::Executor::ThreadMain(void*)",
    "grpc_event_engine::experimental::ThreadPool::ThreadFunc",
  ],
  cam: ["arc::gev::Stream::ReceiveThread(void*)"],
  hsm: ["khsm_keepalive_main"],
  avcodec: ["frame_worker_thread", "thread_worker"],
  visnat: ["hv::ThreadPool::worker(int)"],
  ledger: ["journal_flush_thread"],
  tok: [
    "rayon_core::registry::WorkerThread::wait_until_cold",
    "rayon_core::registry::ThreadBuilder::run",
  ],
};
/** Their threads are C++'s, begun by the C++ library. */
const standardThreads: ReadonlySet<string> = new Set(["torch", "arrow", "visnat"]);

export function foreignThread(roll: Dice, fleet: Fleet): Bug {
  const object = objectNamed(fleet, roll.pick(Object.keys(threadMains)));
  const { key, middles, leaves } = object;
  const main = roll.pick(threadMains[key]!);
  const guilty = roll.pick([...middles, ...middles, ...leaves]);
  const callers = roll.chance(odds.threadCaller)
    ? [roll.pick(middles.filter((middle) => middle !== guilty))]
    : [];
  const site = roll.between(0, 1e6);
  const leaf = roll.chance(odds.libcLeaf) ? roll.pick<Leaf>(["memcpy", "free", "memset"]) : null;
  const aborts = weighted(roll, odds.threadDies) === "abort";
  const top = (now: Dice, moment: Moment): readonly NativeFrame[] => {
    if (aborts) return abortFrames(moment);
    if (leaf !== null && now.chance(odds.inLeaf)) return leafFrames(moment, leaf);
    return now.chance(odds.deeperLeaf) ? [native(key, now.pick(leaves), now.between(0, 50))] : [];
  };
  return {
    services: servicesOfAll(usersOf(fleet, object)),
    happen: (now, moment) => {
      const frames = [
        ...top(now, moment),
        native(key, guilty, site),
        ...callers.map((caller) => native(key, caller, hash(caller, guilty))),
        native(key, main, 5),
        ...(standardThreads.has(key) ? [standardThread(moment)] : []),
        ...systemThread(moment),
      ];
      return died(
        { segments: [{ frames, convention: "direct" }], base: "none" },
        kindOn(moment, aborts ? "SIGABRT" : "SIGSEGV"),
      );
    },
  };
}

const standardThread = ({ system }: Moment): NativeFrame =>
  system === "win"
    ? native("ucrt", WINDOWS_THREAD)
    : native("libstdcxx", "execute_native_thread_routine");

function systemThread(moment: Moment): readonly NativeFrame[] {
  switch (libcOf(moment)) {
    case "win":
      return [native("kernel32", "BaseThreadInitThunk"), native("ntdll", "RtlUserThreadStart")];
    case "musl":
      return [native("libc", "start")];
    case "glibc":
      return [native("libc", "start_thread"), native("libc", "clone3")];
  }
}
