/** Every limit of the services, one number each. An error caused by a limit names it. */

const KIB = 1024;
const MIB = 1024 * KIB;

/** Attachments and symbol files up to this size lie in the database row; larger ones in the blob store. */
export const INLINE_BYTES = 64 * KIB;
/** One faulthandler text, after decompression. */
export const MAX_TEXT_BYTES = 32 * MIB;
/** One attachment, after decompression. */
export const MAX_ATTACHMENT_BYTES = 250 * MIB;
/** All of one crash's attachments together. */
export const MAX_CRASH_BYTES = 300 * MIB;
/** Attachments of one crash. */
export const MAX_ATTACHMENTS = 20;
/** The `metadata` part. */
export const MAX_METADATA_BYTES = 256 * KIB;
/** Tags of one crash; a tag's name and value are cut to MAX_NAME_CHARS. */
export const MAX_TAGS = 100;
/** Characters of a release, environment, host, tag or attachment name. */
export const MAX_NAME_CHARS = 200;
/** Crashes made of one text that holds several dumps. */
export const MAX_CRASHES_PER_TEXT = 200;

/** One uploaded symbol file or archive, and one native file in an archive. */
export const MAX_SYMBOL_UPLOAD_BYTES = 2048 * MIB;
/** Files of one symbol upload, archives opened. */
export const MAX_SYMBOL_FILES = 100_000;
/** One .pyc or source file. */
export const MAX_PYTHON_FILE_BYTES = 16 * MIB;
/** What all archives of one upload may unpack to. */
export const MAX_UNPACKED_BYTES = 4096 * MIB;
/** Archives inside archives: a wheel in a zip is 2. */
export const MAX_ARCHIVE_DEPTH = 2;
/** Items in one `symbols/check` request. */
export const MAX_CHECK_ITEMS = 10_000;

/** Time one crash may take in a worker thread. */
export const PROCESS_TIMEOUT_MS = 10_000;
/** Heap of a worker thread. */
export const PROCESS_HEAP_MIB = 512;
/** Times a crash is tried before it is saved as failed. */
export const MAX_PROCESS_ATTEMPTS = 5;

/** Crashes of one sighting that are counted one by one; of more, now and then one stands for several: a busy row is seldom written. */
export const EXACT_SIGHTINGS = 200;

/** Rows of one page of a listing. */
export const MAX_PAGE_ROWS = 200;
export const DEFAULT_PAGE_ROWS = 50;

/** A client's UUIDv7 is taken as the crash's id while its time lies in this window around now. */
export const CLIENT_ID_MAX_AGE_MS = 7 * 86_400_000;
export const CLIENT_ID_MAX_AHEAD_MS = 3_600_000;
/** The same content from the same host within this time is the same crash. */
export const CONTENT_DUPLICATE_MS = 3_600_000;

/** Width of the text that people read. */
export const TEXT_COLUMNS = 100;

/** Frames of one stack, groups of like threads, and frames of each that the text shows. */
export const MAX_TEXT_FRAMES = 200;
export const MAX_TEXT_THREAD_GROUPS = 40;
export const MAX_TEXT_FRAMES_OF_OTHER_THREAD = 8;
export const MAX_TEXT_EXTENSION_MODULES = 60;
/** Names (threads, functions) in one line of it before it says "and N more". */
export const MAX_TEXT_NAMES = 6;
