/** Every bound of grouping. A crash beyond one still gets its keys, made of what lies within. */

/** Frames, nearest the crash first, that may take part in keys; older ones only get a reason. */
export const MAX_GROUPED_FRAMES = 512;

/** Characters of a name (function, module, object) that enter a token; the rest is cut. */
export const MAX_NAME_CHARS = 200;

/** Characters of a file path that are looked at; a longer one keeps its end. */
export const MAX_PATH_CHARS = 1024;

/** Characters of a parameterised message that enter a key. */
export const MAX_MESSAGE_TOKEN_CHARS = 120;

/** Characters of the message that are read at all. */
export const MAX_MESSAGE_CHARS = 2048;

/** Characters of a title. */
export const MAX_TITLE_CHARS = 200;

/** Paths whose location is remembered: the frames of a fleet lie in few files. */
export const MAX_KNOWN_PATHS = 4096;

/** Names of objects and of native functions whose key is remembered. */
export const MAX_KNOWN_NAMES = 8192;

/** Functions of the program that a crash is compared with others by. */
export const MAX_EVIDENCE_FUNCTIONS = 24;

/** Native functions, from the culprit to its callers, that it is compared with others by. */
export const MAX_CHAIN = 6;

/** Native frames, nearest the crash, among which the end of a crash handler is looked for. */
export const MAX_HANDLER_FRAMES = 40;

/** Native frames, nearest the crash, among which the call that ended the process is looked for. */
export const MAX_ABORT_FRAMES = 24;

/** Crashes that must share a link before it may take one out of the group of its own key. */
export const MIN_SIGHTINGS = 5;

/** Rules of a project, characters of one, characters and stars of a glob in it. */
export const MAX_PROJECT_RULES = 200;
export const MAX_RULE_CHARS = 500;
export const MAX_GLOB_CHARS = 200;
export const MAX_GLOB_STARS = 6;

/** Crashes that a change of rules is tried on. */
export const MAX_PREVIEWED_CRASHES = 1000;

/** Keys, objects and contexts, the commonest ones, that one crash is compared with. */
export const MAX_COMPARED = 64;
