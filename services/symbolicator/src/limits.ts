/** Limits of the worker that are nobody else's. Those of one crash are in @faultline/shared. */

const MIB = 1024 * 1024;

/** Connections to Postgres: two batches of loads and of saves, files of releases, upkeep. */
export const POOL_CONNECTIONS = 8;
/** A query that has no answer by then is given up and its job tried again. */
export const QUERY_TIMEOUT_MS = 60_000;

/**
 * Crashes loaded by one query, and jobs saved by one transaction. One batch of either kind is under way
 * at once: with two they are half as large, and cost the database a third more.
 */
export const MAX_LOAD_BATCH = 50;
export const MAX_SAVE_BATCH = 50;
export const BATCH_LANES = 1;

/** Texts read from the blob store that may lie in memory at once; jobs wait for their share. */
export const TEXT_BYTES_UNDER_WAY = 128 * MIB;

/** A worker thread that had nothing to do for this long ends. */
export const THREAD_IDLE_MS = 10_000;
/** A thread that has not begun its task by then is taken for one that cannot start. */
export const THREAD_START_MS = 60_000;
/** Times one crash may be given to a thread: again with the files it asked for. */
export const MAX_FILE_ROUNDS = 2;
/** Crashes given to a thread together, while their texts are not longer than this. */
export const MAX_CRASHES_PER_TASK = 4;
export const MAX_TASK_TEXT_BYTES = 64 * 1024;
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
/** A symbol file that waits this long for its cache has lost its job. */
export const STALE_SYMBOL_MS = 60_000;

/** Crashes looked at by one step of a sweep. */
export const SWEEP_BATCH = 500;
/** Upkeep gives a lock up after this long rather than hold up everybody behind it. */
export const UPKEEP_LOCK_TIMEOUT_MS = 3_000;

/** The host's clock is believed for a crash's time within this window around its receipt. */
export const OCCURRED_MAX_AGE_MS = 90 * 86_400_000;
export const OCCURRED_MAX_AHEAD_MS = 3_600_000;

/** Characters of the reason a failed crash is stored with. */
export const MAX_REASON_CHARS = 1_000;
