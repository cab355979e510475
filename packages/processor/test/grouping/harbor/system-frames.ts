/** What C libraries and systems add at the inner end of a stack, and where threads begin. */
import { hash } from "./chance.ts";
import { type Image, libcOf, type Moment } from "./images.ts";
import { native, type NativeFrame, py } from "./native-frame.ts";
import type { odds } from "./probabilities.ts";

type Frames = readonly NativeFrame[];

const from = (object: string, ...names: readonly string[]): Frames =>
  names.map((name) => native(object, name));

/** abort() and what it calls. */
export function abortFrames({ system, image }: Moment): Frames {
  if (system === "win") return from("ucrt", "abort");
  if (system === "musl") return from("libc", "raise", "abort");
  return [
    ...(image.newGlibc
      ? [
          native("libc", "__pthread_kill_implementation"),
          { ...native("libc", "__pthread_kill_internal"), inlined: "always" as const },
        ]
      : []),
    ...from("libc", "__GI_raise", "__GI_abort"),
  ];
}

export type Leaf = keyof typeof odds.leaf;

/** Functions of the C library that die for their caller; glibc has copies for processors. */
export function leafFrames(moment: Moment, leaf: Leaf): Frames {
  const { system, image } = moment;
  switch (libcOf(moment)) {
    case "win":
      return leaf === "free"
        ? [native("ntdll", "RtlFreeHeap"), native("ucrt", "_free_base")]
        : from("vcrt", leaf);
    case "musl":
      return from("libc", leaf);
    case "glibc":
      return leaf === "free"
        ? from("libc", "_int_free", image.newGlibc ? "__GI___libc_free" : "__libc_free")
        : from("libc", system === "aarch64" ? armLeaves[leaf] : intelLeaf(leaf, image));
  }
}

type Copied = Exclude<Leaf, "free">;

const armLeaves: Readonly<Record<Copied, string>> = {
  memcpy: "__memcpy_generic",
  strlen: "__strlen_asimd",
  strcmp: "strcmp",
  memset: "__memset_generic",
};

function intelLeaf(leaf: Copied, { processor }: Image): string {
  const evex = processor === "evex";
  switch (leaf) {
    case "memcpy":
      return `__memmove_${processor === "avx_unaligned" ? processor : `${processor}_unaligned`}_erms`;
    case "strlen":
      return `__strlen_${processor === "avx_unaligned" ? "avx2" : processor}`;
    case "strcmp":
      return evex ? "__strcmp_evex" : "__strcmp_avx2";
    case "memset":
      return evex ? "__memset_evex_unaligned" : "__memset_avx2_unaligned_erms";
  }
}

/** The frames of abort() below which C++ found nobody to catch. */
export const terminateFrames: Frames = from(
  "libstdcxx",
  "__gnu_cxx::__verbose_terminate_handler()",
  "__cxxabiv1::__terminate(void (*)())",
  "std::terminate()",
  "__cxa_throw",
);

/** Where a thread sleeps that waits for another one. */
export function futexWait(moment: Moment): Frames {
  const { image } = moment;
  switch (libcOf(moment)) {
    case "win":
      return from("ntdll", "NtWaitForAlertByThreadId", "RtlSleepConditionVariableSRW");
    case "musl":
      return from("libc", "__timedwait_cp", "sem_timedwait");
    case "glibc":
      return hash(image.id) % 2 === 0
        ? from(
            "libc",
            "__futex_abstimed_wait_common64",
            "__futex_abstimed_wait_cancelable64",
            image.newGlibc ? "__new_sem_wait_slow64" : "do_futex_wait.constprop.0",
          )
        : from("libc", "do_futex_wait.constprop.0", "__new_sem_wait_slow.constprop.0");
  }
}

/** A lock of Python, waited for with the GIL let go. */
export const lockWait = (moment: Moment): Frames => [
  ...futexWait(moment),
  py("PyThread_acquire_lock_timed"),
  py("acquire_timed"),
];

/** Where a thread sleeps that waits for a socket. */
export const pollWait = ({ system }: Moment): Frames =>
  system === "win"
    ? from("ntdll", "NtWaitForSingleObject")
    : from("libc", system === "musl" ? "poll" : "__GI___poll");

/** faulthandler's handler and the signal that it raises again. */
export const reraised = ({ system, image }: Moment): Frames => [
  ...(system === "musl"
    ? [native("libc", "raise", 1)]
    : [
        ...(image.newGlibc ? [native("libc", "__pthread_kill_implementation", 1)] : []),
        native("libc", "__GI_raise", 2),
      ]),
  native("py", "faulthandler_fatal_error", 3),
  native("libc", "__restore_rt", 4),
];

/** A function that begins a thread or a process: nobody on the stack calls it. */
export const begins = (object: string, name: string, library?: string): NativeFrame => ({
  ...native(object, name, hash(name)),
  ...(library === undefined ? {} : { library }),
});

export const windowsStart: Frames = [
  begins("win", "BaseThreadInitThunk", "KERNEL32.DLL"),
  begins("win", "RtlUserThreadStart", "ntdll.dll"),
];

export const WINDOWS_THREAD = "thread_start<unsigned int (__cdecl*)(void *),1>";

export function threadStart(moment: Moment): Frames {
  switch (libcOf(moment)) {
    case "musl":
      return [begins("libc", "start")];
    case "win":
      return [begins("win", WINDOWS_THREAD, "ucrtbase.dll"), ...windowsStart];
    case "glibc":
      return [begins("libc", "start_thread"), begins("libc", "clone3")];
  }
}
