/** Every probability and every weight of the fleet, in one place. */
export const odds = {
  /** Of bugs, not of crashes: faults in extensions dominate every fleet. */
  classes: {
    "native bug": 36,
    assertion: 9,
    abort: 5,
    "heap corruption": 5,
    "illegal instruction": 2.5,
    "stack overflow": 5.5,
    "busy hang": 5,
    "waiting hang": 6,
    interpreter: 5,
    gc: 3,
    misuse: 7,
    "fatal error": 4.5,
    import: 3.5,
    thread: 4,
  },
  /** The k-th bug comes as often as (k + offset) ^ -exponent: a dozen make half of the crashes. */
  frequency: { exponent: 1.3, offset: 3 },
  /** How many orders of the bugs are tried for one in which each class has its share of crashes. */
  shuffles: 400,

  /** Exponents of Zipf's law: how much more often the first of several comes than the others. */
  skew: {
    /** Of a service's images; of entries and callers on the way to a function. */
    images: 0.7,
    entries: 0.9,
    callers: 0.8,
    /** Of the functions that reach a bug, then of its native ways; of kernels, of importers. */
    users: 0.9,
    ways: 0.8,
    kernels: 0.8,
    importers: 0.8,
    /** Of who recurses without end; of who meets a damaged heap later. */
    recursion: 1,
    later: 1,
    /** Of what allocators say; of where freed objects are touched; of what a collector visits. */
    messages: 1,
    family: 0.8,
    containers: 1,
  },

  /** What a service's crash reporting was set up to take. */
  capture: { text: 0.36, native: 0.25, both: 0.39 },
  /** A native thread's crash is one of both: a dump taken, and no Python frames in that thread. */
  threadBoth: 0.3,
  /** Where crashes come from. */
  services: {
    web: 28,
    celery: 22,
    api: 17,
    gateway: 7,
    batch: 12,
    vision: 9,
    pytest: 4,
    notebook: 3,
  },

  /** Images: musl and arm64 are everywhere, Windows and PyInstaller at docks and in batch only. */
  system: { glibc: 66, musl: 9, aarch64: 13, win: 6, pyinst: 6 },
  /** Own build or debuginfod, a distribution's binary, a stripped one. */
  interpreterSymbols: { full: 55, export: 32, none: 13 },
  /** Without symbols a walker names the exported function before. */
  libcSymbols: { full: 48, export: 52 },
  /** Musl's is either built with symbols or not. */
  muslSymbols: 0.5,
  /** A vendor's SDK is stripped; its exports are gone where the walker had no binary. */
  vendorSymbols: { export: 80, none: 20 },
  /** A wheel that still has its symbols, or whose symbols were fetched. */
  packageSymbols: 0.3,
  /** A wheel without them, of which the walker had at least the binary. */
  packageBinary: 0.8,
  /** Small modules between Python and the objects: binding layers, `_cffi_backend`, libssl. */
  otherSymbols: 0.5,
  /** A release whose upload of symbols failed. */
  ownSymbolsLost: 0.07,
  /** An image whose own symbols are never uploaded. */
  ownSymbolsNever: 0.15,
  /** A Windows image whose build keeps its PDBs to itself. */
  pdbMissing: 0.4,
  /** A collector that expands inlined frames. */
  inlines: 0.55,
  /** A demangler that prints parameters. */
  parameters: 0.6,
  /** A demangler that keeps the hash of Rust's legacy scheme. */
  rustHash: 0.4,
  /** A build in which gcc cloned an internal function: .isra, .constprop, .part. */
  clone: 0.12,
  /** A build that inlined a small function. */
  inlined: 0.62,
  /** A build of a binding that inlined its inner half. */
  bindingInlined: 0.6,
  /** A collector that does not demangle. */
  mangled: 0.05,
  /** A module's full path, not its last part. */
  fullPath: 0.7,
  /** An image in which the interpreter is a shared library. */
  sharedLibrary: 0.55,
  /** A glibc since 2.34, in which libpthread is part of libc. */
  newGlibc: 0.65,
  /** An image of the API whose loop is uvloop's, not asyncio's. */
  uvloop: 0.5,
  /** Lines of the interpreter are known. */
  interpreterLines: 0.7,
  /** Lines of a package's object are known. */
  packageLines: 0.3,
  /** A source's path is cut to the file. */
  shortSource: 0.5,
  /** An IPython that names a cell's code after its first line. */
  cellNames: 0.5,

  /** Functions of 3.8 and 3.9 that are entered the general way, not the fast one. */
  generalEntry: 0.5,

  /** How an image unwinds; `scan` is a breakpad without call frame information. */
  walker: { cfi: 70, fp: 12, scan: 18 },
  /** For each frame of a scan: garbage comes before it. */
  scanGarbage: 0.16,
  /** A frame is missed. */
  scanSkip: 0.1,
  /** A walk along frame pointers loses the caller of a leaf. */
  framePointerSkip: 0.35,
  /** An object without usable call frame information: a vendor's, rarely a package's. */
  noUnwindInfo: { vendor: 0.7, package: 0.105 },
  /** A walk goes astray: the rest is garbage or missing. */
  astray: 0.025,
  /** The same in code of a JIT, which has no unwind information. */
  astrayInJit: 0.6,
  /** Words that are no frames follow where the walk went astray. */
  garbageAfterAstray: 0.6,
  /** A greenlet's walk ends before its start. */
  greenletCut: 0.5,
  /** An image in whose captures the frames of the signal's handler are on top. */
  reraise: 0.16,
  /** A smashed stack: the program counter is useless, all else is scanned. */
  smashed: 0.012,
  /** Where an image's collector stops. */
  maxFrames: { 32: 6, 64: 22, 128: 52, 250: 20 },
  /** A limit of log lines cut the text. */
  textCut: 0.02,
  /** An image whose merger drops the interpreter's frames between Python frames. */
  collapsed: 0.12,
  /** The process's stderr was kept: what assertions, glibc and terminate said. */
  heard: { text: 0.62, both: 0.45, native: 0.1 },
  /** A fatal error of Python is part of faulthandler's text. */
  heardFatal: { text: 1, both: 0.8, native: 0.12 },

  /** A function has a decorator. */
  decorated: 0.16,
  /** Of those, it came or went at some release. */
  decoratorChanges: 0.3,
  /** Of those, it came. */
  decoratorComes: 0.6,
  /** A call stands in a comprehension. */
  comprehension: 0.09,
  /** ... in a generator expression that is summed up. */
  generator: 0.04,
  /** ... in a lambda that sorts. */
  lambda: 0.025,
  /** Work is done by a ThreadPoolExecutor. */
  poolThread: 0.1,
  /** A release touches a file of the program. */
  edited: 0.25,
  /** A version touches a source of an extension, above the function. */
  sourceEdited: 0.35,
  /** A middle function is called by another one, too. */
  middleCaller: 0.7,
  /** An entry of an object is called through its Python layer. */
  wrapped: 0.85,

  /** A bug lives through all releases. */
  lifetime: 0.35,
  /** How many Python functions a native bug is reached from. */
  callers: { 1: 50, 2: 20, 3: 12, 5: 12, 9: 6 },
  /** How many native ways lead to the guilty function. */
  paths: { 1: 55, 2: 30, 3: 15 },
  /** Where in an object the guilty function is. */
  part: { outer: 2, middle: 5, inner: 3 },
  /** Of those that are not in the middle: an entry. */
  entryGuilty: 0.4,
  /** The guilty function dies inside memcpy, strlen, free. */
  libcLeaf: 0.33,
  /** In which of them. */
  leaf: { memcpy: 5, strlen: 1, free: 1.5, memset: 1, strcmp: 1 },
  /** Such a bug's crash is in the leaf, not before its call. */
  inLeaf: 0.85,
  /** It dies in a small helper of its own, not always the same. */
  deeperLeaf: 0.14,
  /** A second bug in a function that has one. */
  sameFunction: 0.06,
  /** By which signal. */
  fault: { SIGSEGV: 94, SIGBUS: 4, SIGFPE: 2 },
  /** arm64 calls a fault a bus error. */
  busOnArm: 0.05,
  /** What an assertion is written in. */
  assertionLanguage: { c: 4, cpp: 4, rust: 2 },
  /** A panic in a thread that has no name. */
  panicInThread: 0.7,
  /** An abort by trap instead of abort(). */
  trap: 0.15,

  /** Corruption is noticed near the culprit. */
  heapNear: 0.45,
  /** Corruption is noticed later in the same request; else anywhere. */
  heapSameEntry: 0.2,
  /** Near the culprit: in it, not in a helper of it. */
  heapInFunction: 0.6,
  /** It is noticed by a fault, not by glibc's check. */
  heapFault: 0.35,
  /** Elsewhere it is the interpreter that notices, not another extension. */
  heapInterpreter: 0.55,
  /** An extension's own tp_traverse is on the stack. */
  gcOwnTraverse: 0.45,
  /** The collection happens in the function that made the damaged object. */
  gcNear: 0.35,
  /** What the collector does with the damaged object; `plain`: its own traversal fails. */
  gcHead: { visit_decref: 7, visit_reachable: 2, plain: 1 },
  /** A reference count's victim surfaces where the object is held. */
  interpreterHome: 0.7,
  /** Else in the same file, not just anywhere. */
  interpreterFile: 0.6,
  /** The eval loop itself lets the object go, not a deallocation that it calls. */
  interpreterInLoop: 0.7,
  /** Such a bug deallocates None. */
  deallocatesNone: 0.15,
  /** Such a bug's crash says so. */
  saysNone: 0.6,

  /** A stack overflows by Python recursion, not by native recursion. */
  pythonRecursion: 0.55,
  /** A busy loop is Python's, not native. */
  busyPython: 0.6,
  /** A busy loop of Python is in itself. */
  busyItself: 0.3,
  /** ... in a helper of the program. */
  busyHelper: 0.3,
  /** ... in a library; else in an extension. */
  busyLibrary: 0.2,
  /** The helper is in a library in turn. */
  busyHelperLibrary: 0.4,
  /** A native loop is in its own function, not in a leaf. */
  busyLoopItself: 0.35,
  /** Else its leaf copies memory. */
  busyLoopCopies: 0.25,
  /** The watchdog killed by SIGABRT, not by a dump. */
  hangAborts: 0.1,
  /** What is waited for without end. */
  waitsFor: { lock: 5, queue: 2, socket: 3, dbsock: 2, sdk: 2, gil: 1 },
  /** From how many functions a lock or a queue is waited for. */
  waitCallers: { 2: 15, 4: 35, 8: 35, 14: 15 },
  /** Another function of the same file waits for the same. */
  waitsElsewhere: 0.4,
  /** A wait is at its usual place where there are several. */
  waitsAtHome: 0.7,
  /** A lock is waited for by acquiring it. */
  lockAcquired: 0.5,
  /** ... by a condition; else by a helper of the program. */
  lockCondition: 0.3,
  /** A condition is waited for with a predicate. */
  lockPredicate: 0.4,
  /** A queue is empty, not full. */
  queueGet: 0.8,
  /** A bug whose connections are encrypted. */
  tls: 0.6,
  /** A request waits for the head of its answer; else for its body. */
  socketHead: 0.75,
  /** ... for its connection. */
  socketConnect: 0.15,
  /** A database is read from directly, not below TLS. */
  databaseRead: 0.8,
  /** A statement waits, not a commit. */
  databaseExecute: 0.75,
  /** The GIL is taken back by who let it go, not by a callback. */
  gilRestore: 0.6,

  /** By which mechanism a mistake of Python code becomes a fault. */
  misusedBy: { string_at: 2, sdk: 3, mmap: 2, cffi: 2, numba: 2, frombuf: 1 },
  /** The SDK is that of the security module, not of the cameras. */
  misusedHsm: 0.6,
  /** The SDK dies while it copies. */
  misuseCopies: 0.6,
  /** A mapped file is read by the program's own helper. */
  mmapReader: 0.6,
  /** ... by a slice, not by one index. */
  mmapSubscript: 0.8,

  /** Where a module dies: in its init, a constructor, the loader, its exec slot. */
  importDies: { init: 4, ctor: 3, dlopen: 1, exec: 2 },
  /** By which signal a module dies. */
  importFault: { SIGSEGV: 6, SIGILL: 2, SIGABRT: 2 },
  /** How a native thread dies. */
  threadDies: { segv: 8, abort: 2 },
  /** Its guilty function has a caller of its own. */
  threadCaller: 0.6,
} as const;

export type BugClass = keyof typeof odds.classes;
export type Service = keyof typeof odds.services;
export type System = keyof typeof odds.system;
export type Capture = keyof typeof odds.capture;
export type Walker = keyof typeof odds.walker;

/** faulthandler prints no more frames. */
export const MAX_TEXT_FRAMES = 100;
/** The fleet's releases, 0 to 9, spread over about two years. */
export const RELEASES = 10;
