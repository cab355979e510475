/** Limits of the worker that are nobody else's. Those of one crash are in @faultline/shared. */

const MIB = 1024 * 1024;

/**
 * Connections to Postgres: two batches of loads and of saves, files of releases, upkeep, the locks of a native build, of
 * repairs and of joining, a batch of repairs, and what is joined.
 */
export const POOL_CONNECTIONS = 13;
/** A query that has no answer by then is given up and its job tried again. */
export const QUERY_TIMEOUT_MS = 60_000;

/**
 * Crashes loaded by one query, and jobs saved by one transaction. One batch of either kind is under way
 * at once: with two they are half as large, and cost the database a third more.
 */
export const MAX_LOAD_BATCH = 50;
export const MAX_SAVE_BATCH = 50;
export const BATCH_LANES = 1;

/** Texts and dumps read from the blob store that may lie in memory at once; jobs wait for their share. */
export const ATTACHMENT_BYTES_UNDER_WAY = 256 * MIB;

/** A worker thread that had nothing to do for this long ends. */
export const THREAD_IDLE_MS = 10_000;
/** A thread that has not begun its task by then is taken for one that cannot start. */
export const THREAD_START_MS = 60_000;
/**
 * Times one crash may be given to a thread: again with the Python files it asked for, once, and with symbol caches, which a
 * walk asks for as it meets their modules (MAX_SYMBOL_ROUNDS of the processor).
 */
export const MAX_NEED_ROUNDS = 80;
/** Crashes given to a thread together, while their texts and dumps are not longer than this. */
export const MAX_CRASHES_PER_TASK = 4;
export const MAX_TASK_BYTES = 64 * 1024;
/** Crashes that take longer than this together run again, each alone and with all the time a crash may take. */
export const TASK_TIMEOUT_MS = 2_000;

/** Python files of releases kept in memory for the next crash, shared by all threads. */
export const RELEASE_FILE_CACHE_BYTES = 64 * MIB;
/** Those a thread refers to by itself, so that it need not ask for them; the same memory as above. */
export const THREAD_FILE_CACHE_BYTES = 32 * MIB;
/** pyc maps a thread keeps open, by the size of the maps. */
export const OPEN_MAP_CACHE_BYTES = 32 * MIB;
/** Files that a release holds under the base names one crash asks for; more are left out and a gap says so. */
export const MAX_RELEASE_FILES_PER_CRASH = 5_000;

/** Symbol files loaded at once by a job. */
export const SYMBOL_FILES_PER_CHUNK = 50;
/** Symbol files queued again by one round of upkeep. */
export const MAX_STALE_SYMBOL_FILES = 1_000;
/** Native files, and native modules, queued again by one round of upkeep. */
export const MAX_STALE_NATIVES = 100;
/** Symbols that came are looked for this often. */
export const REPAIR_LOOK_MS = 1_000;
/** Crashes that lacked them are worked out again when nothing has arrived for so long, or when they have waited for so long. */
export const REPAIR_QUIET_MS = 2_000;
export const REPAIR_MAX_WAIT_MS = 60_000;
/**
 * Crashes worked out again together; and while others come in, or have come in so lately, of which each may have to wait
 * for them. Then a batch is followed by a rest of so many times as long as it took.
 */
export const MAX_REPAIR_BATCH = 64;
export const REPAIR_BATCH_BESIDE = 4;
export const REPAIR_ALONE_MS = 2_000;
export const REPAIR_RESTS = 4;
/** Newest crashes among which the first of each group is looked for. */
export const REPAIR_LOOK_AHEAD = 50_000;
/** While so many crashes wait that nobody has worked out, a batch is put off by a pause, so many times. */
export const REPAIR_STEP_BACK = 8;
export const REPAIR_PAUSE_MS = 50;
export const REPAIR_PAUSES = 20;
/** A repair that has ended is told of for so long. */
export const REPAIRS_KEPT_MS = 30 * 86_400_000;
/** Previews of grouping rules worked out by one look, the reports that each is tried on, and how long it may take. */
export const PREVIEWS_PER_LOOK = 4;
export const MAX_PREVIEW_REPORTS = 1_000;
export const MAX_PREVIEW_BYTES = 32 * MIB;
export const PREVIEW_TIMEOUT_MS = 60_000;
export const PREVIEWS_KEPT_MS = 86_400_000;
/** Dumps read from the blob store to be worked out again that may lie in memory at once. */
export const REPAIR_BYTES_UNDER_WAY = 64 * MIB;
/** A symbol file that waits this long for its cache has lost its job. */
export const STALE_SYMBOL_MS = 60_000;

/** Jobs about native symbols that a symbolicator works on at once; its builder process takes one at a time anyway. */
export const MAX_NATIVE_BUILDS = 1;
/** Reading one native file, or building one module's cache, may take this long. */
export const NATIVE_BUILD_TIMEOUT_MS = 900_000;
/** Times a native file is looked at, or a cache built, when the worker or its builder died meanwhile; then it is refused. */
export const MAX_NATIVE_ATTEMPTS = 5;
/** What could not be read of a module's files, told one by one in its row. */
export const MAX_MODULE_GAPS = 50;
/** .dwo and .dwp files that one cache is built of. */
export const MAX_SPLIT_FILES = 2_000;
/** The builder process is ended when it has had nothing to do for this long, or holds more memory than this. */
export const BUILDER_IDLE_MS = 10_000;
export const BUILDER_KEPT_BYTES = 256 * MIB;
/** Progress of a build is written to the database this often. */
export const PROGRESS_MS = 1_000;

/** Native symbol caches that a thread keeps open, by their size: the same memory as all threads share (FAULTLINE_SYMBOL_CACHE_MIB), and what it holds when the others let go. */
export const OPEN_SYMBOL_CACHE_BYTES = 128 * MIB;
/** A larger symbol cache is not read: it would be the only one in memory. */
export const MAX_SYMBOL_CACHE_BYTES = 1024 * MIB;
/** Native modules, and Python files of the program and of packages, that one crash can lack; a longer path is left out. */
export const MAX_LACKED_MODULES = 64;
export const MAX_LACKED_FILES = 100;
export const MAX_LACKED_PATH_CHARS = 1_000;
/** Texts of projects' grouping rules kept in memory. */
export const RULES_CACHE_BYTES = 8 * MIB;
/** Projects whose parsed rules a thread keeps. */
export const PARSED_RULES_CACHE_BYTES = 4 * MIB;
/** What a crash lacked is written down again after this long; so much memory keeps what was. */
export const LACK_NOTED_MS = 86_400_000;
export const LACK_NOTES_BYTES = 16 * MIB;

/** Other builds of a module that are named where the one asked for is missing. */
export const MAX_NAMESAKES = 3;

/** A blob that no row refers to is kept this long: its row may be on its way, a reader at its end. */
export const BLOB_GRACE_MS = 3_600_000;
/** Blobs whose references are asked for by one query. */
export const BLOBS_PER_LOOK = 1_000;

/** Crashes looked at by one step of a sweep. */
export const SWEEP_BATCH = 500;
/** Upkeep gives a lock up after this long rather than hold up everybody behind it. */
export const UPKEEP_LOCK_TIMEOUT_MS = 3_000;

/** Groups that their crashes have left are shown where those went this often; so many in one transaction. */
export const SETTLE_GROUPS_MS = 10_000;
export const SETTLE_BATCH = 500;

/** What new crashes share with others is looked at this often. */
export const JOIN_LOOK_MS = 4_000;
/** Joining is followed by a rest, so many times as long as it took: it takes no more than its share of a thread. */
export const JOIN_REST = 10;
/** Sightings of a project that are joined with each other, and the characters of their evidence; those not seen for longest are forgotten. */
export const MAX_SIGHTINGS = 20_000;
export const MAX_SIGHTING_CHARS = 64 * MIB;
/** Share of a key's crashes that must go to another's group for that to show its group. */
export const NEARLY_ALL = 0.9;
/** Groups moved by one transaction, which no crash is saved beside. */
export const ATTACH_BATCH = 20;
/** Time that joining a project's sightings may take a thread. */
export const JOIN_TIMEOUT_MS = 60_000;

/** The host's clock is believed for a crash's time within this window around its receipt. */
export const OCCURRED_MAX_AGE_MS = 90 * 86_400_000;
export const OCCURRED_MAX_AHEAD_MS = 3_600_000;

/** Characters of the reason a failed crash is stored with. */
export const MAX_REASON_CHARS = 1_000;
