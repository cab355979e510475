"""Every bound of the reporter: one number each, named where it is reached."""

KIB = 1024
MIB = 1024 * KIB

# The channel between the dying process and the monitor.
CHANNEL_MIN_FD = 512
"""The app's end sits this high, so that code which closes 3..N and reopens files cannot make it a foreign file."""
WRITE_TIMEOUT_S = 2
"""One write of the dying process may wait this long for a monitor that does not read."""
MAX_MESSAGE_BYTES = 96 * KIB
"""One message from the app to the monitor."""
HELLO_TIMEOUT_S = 1.0
"""install() waits this long for the monitor's pid, and only where Yama wants it to be named."""
CAPTURE_TIMEOUT_S = 12.0
"""capture_now() waits this long for its answer."""

# The monitor.
WORKER_DEADLINE_S = 10.0
"""A worker that handles one crash is killed by its own alarm after this time."""
WORKER_GRACE_S = 2.0
"""...and by the monitor's main loop this much later."""
NUDGE_S = 10.0
"""A monitor that was stopped is continued by a kernel timer after this time."""
STOP_WAIT_S = 0.2
"""A thread in uninterruptible sleep is waited for no longer; it is taken from procfs."""
ATTACH_ROUNDS = 4
"""Listings of the threads, until one shows no new thread."""
HOLD_TIMEOUT_S = 5.0
"""Without text or a signal for this long the handler is taken to be stuck, and the process is let go."""
SETTLE_ROUNDS = 20
SETTLE_S = 0.001
"""A thread stopped between two writes is let go that often, each time for so long."""
MAX_WORKERS = 16
"""Crashes handled at once; further ones wait in their write."""
MAX_CLIENTS = 4096

# What a crash may hold.
MAX_TEXT_BYTES = 4 * MIB
MAX_COMMENT_BYTES = 64 * KIB
"""Of the text, inside the dump as well."""
MAX_THREADS = 4096
MAX_MODULES = 4096
MAX_METADATA_MODULES = 500
MAX_TAGS = 64
MAX_TAG_CHARS = 200
MAX_PROC_FILE_BYTES = 256 * KIB
"""Of each file of /proc kept in the dump; /proc/PID/maps is kept up to four times as long."""
MAX_STRING_CHARS = 4096

CRASH_STACK_BYTES = 1 * MIB
CRASH_STACK_OUTER_BYTES = 512 * KIB
"""Of a longer stack of the crashed thread, its outermost part is kept as well."""
OTHER_STACK_BYTES = 32 * KIB
MANY_THREADS = 64
MANY_STACK_BYTES = 16 * KIB
"""Stacks of other threads are cut to this once there are more than MANY_THREADS."""
RED_ZONE_BYTES = 128
CODE_BYTES = 256
"""Around the crash's instruction pointer, each side half."""
SIGNAL_FRAME_SCAN_BYTES = 128 * KIB

# Python stacks in memory.
MAX_INTERPRETERS = 32
MAX_PYTHON_THREADS = 4096
MAX_PYTHON_FRAMES = 3000
"""Of one thread."""
MAX_PYTHON_STRING_BYTES = 4 * KIB
MAX_LINE_TABLE_BYTES = 64 * KIB
MAX_PYTHON_MEMORY_BYTES = 4 * MIB

# The spool.
SPOOL_MAX_REPORTS = 50
SPOOL_MAX_BYTES = 200 * MIB
SPOOL_MAX_AGE_S = 7 * 86400
REPORTS_PER_MINUTE = 10
DUMPS_OF_ONE_CRASH_PER_HOUR = 5

# The upload.
CONNECT_TIMEOUT_S = 10.0
REQUEST_TIMEOUT_S = 60.0
RETRY_BASE_S = 5.0
RETRY_MAX_S = 3600.0
PASS_BUDGET_S = 300.0
"""One pass over the spool takes no longer; what is left waits for the next."""
MAX_ANSWER_BYTES = 16 * MIB
"""Of the service; it answers a check of 10,000 symbol files with two."""
