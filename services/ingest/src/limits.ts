/** Limits of the HTTP surface alone; those that other services share are in @faultline/shared. An error caused by a limit names it. */

const KIB = 1024;
const MIB = 1024 * KIB;

/** Headers of one multipart part. */
export const MAX_PART_HEADER_BYTES = 16 * KIB;
/** Parts of one multipart body that is a crash: attachments, metadata, and a minidump's annotations, of which Chromium's come in hundreds. */
export const MAX_CRASH_PARTS = 1_000;
/** Arrays and objects inside each other in the `metadata` part. */
export const MAX_METADATA_DEPTH = 32;
/** Streams of a minidump; real ones have two dozen. */
export const MAX_DUMP_STREAMS = 4_096;
/** Ranges of memory in one list of a minidump that are searched for the environment. */
export const MAX_DUMP_RANGES = 1 << 20;
/** The auxiliary vector in a minidump; Linux writes less than 400 bytes. */
export const MAX_AUXV_BYTES = 16 * KIB;
/** Top of one stack of a minidump, and of all its stacks, that is searched for the strings a process begins with. */
export const STACK_TOP_BYTES = 256 * KIB;
export const MAX_STACK_SCAN_BYTES = 16 * MIB;
/** Crashpad's annotations and modules of a minidump that are looked at; Chromium has a few hundred. */
export const MAX_DUMP_ANNOTATIONS = 4_096;
/** A text field of a symbol upload ("release"). */
export const MAX_FIELD_BYTES = 4 * KIB;
/** The body of a JSON request. */
export const MAX_JSON_BYTES = 64 * KIB;
/** The body of a `symbols/check` request. */
export const MAX_CHECK_BYTES = 8 * MIB;
/** zstd windows of a compressed body: 2^23 bytes is what level 19 uses, more is memory of ours at the sender's word. */
export const MAX_ZSTD_WINDOW_LOG = 23;

/** Crashes kept on this machine's disk while Postgres is away; beyond it connections are reset. */
export const MAX_SPOOL_BYTES = 4096 * MIB;
/** Crashes in one write to Postgres, and their bytes. */
export const MAX_BATCH_CRASHES = 256;
export const MAX_BATCH_BYTES = 16 * MIB;
/** Jobs that wait to be queued; beyond it they are left to the sweep. */
export const MAX_UNQUEUED_JOBS = 20_000;

/**
 * After a refusal the rest of the body is read and thrown away this long: many clients read an answer only
 * once they have sent everything, and lose it when the connection is reset before.
 */
export const DISCARD_MS = 20_000;

/** A statement that stores crashes may take this long; then they go to the spool. */
export const ACCEPT_TIMEOUT_MS = 5_000;
/** A query of the API may take this long. */
export const QUERY_TIMEOUT_MS = 15_000;

/** Headers of a request must be here within this time. */
export const HEADERS_TIMEOUT_MS = 20_000;
/** A connection on which nothing moves for this long is closed. */
export const IDLE_TIMEOUT_MS = 120_000;
/** A whole request, uploads of gigabytes over thin lines included. */
export const REQUEST_TIMEOUT_MS = 4 * 3_600_000;

/** When the service stops, requests under way may take this long. */
export const CLOSE_TIMEOUT_MS = 20_000;

/** Failed authentications of one address a minute; further ones are answered 429 unread. */
export const MAX_AUTH_FAILURES = 60;
/** Requests of one address a minute, crashes and symbols not counted. */
export const MAX_QUERIES = 60_000;
export const RATE_WINDOW_MS = 60_000;

/** Characters of a path inside a symbol upload. */
export const MAX_SYMBOL_PATH_CHARS = 1_024;
/** Entries of all archives of one upload, those that are skipped included. */
export const MAX_ARCHIVE_ENTRIES = 500_000;
/** Symbol files stored in one transaction, and their bytes. */
export const SYMBOL_BATCH_FILES = 500;
export const SYMBOL_BATCH_BYTES = 16 * MIB;
/** Python files whose caches one job makes. */
export const SYMBOLS_PER_JOB = 200;
/** Native files that one job looks at; their modules are built by it too. */
export const NATIVES_PER_JOB = 10;
/** What is read of a native file to tell what it is: its tables of sections and segments, names and notes. */
export const MAX_IDENTIFY_BYTES = 8 * MIB;
/** Files that the answer of an upload lists one by one: so many stored, and so many refused. */
export const MAX_LISTED_FILES = 1_000;
/** Archives opened at once; further ones wait. */
export const MAX_ARCHIVES_AT_ONCE = 2;
/** Opening one archive, all that is in it included, may take this long. */
export const UNPACK_TIMEOUT_MS = 600_000;
/** A connection that uploads symbols may stand still this long: while what came is worked on, nothing moves on it. */
export const UPLOAD_IDLE_TIMEOUT_MS = 900_000;

/** What a group's page counts back. */
export const GROUP_HOURS = 72;
export const GROUP_DAYS = 90;
/** Releases, environments and hosts that a group's page lists. */
export const GROUP_FACET_VALUES = 20;
/** What is missing is counted over so many days, at the most and unless the request says otherwise, and for so long. */
export const MAX_MISSING_DAYS = 90;
export const MISSING_DAYS = 7;
export const MISSING_TIMEOUT_MS = 8_000;
/** Ways from group to group that a repair's page lists. */
export const REPAIR_MOVES = 200;
/** A project's grouping rules; what a preview of others lists, and how long it is waited for. */
export const MAX_RULES_CHARS = 50_000;
export const PREVIEW_MOVES = 100;
export const PREVIEW_WAIT_MS = 30_000;
export const PREVIEW_POLL_MS = 100;
/** Groups joined to it, lines of what became of it, and groups that may be the same. */
export const GROUP_MEMBERS = 100;
export const GROUP_ACTIVITY = 50;
export const LIKE_GROUPS = 10;
/** Keys that one request parts from a group. */
export const MAX_UNMERGED_KEYS = 1_000;
