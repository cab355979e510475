/**
 * Extension modules of the standard library, CPython 3.6 to 3.15. They do as their caller says:
 * `mmap` dies where a file was cut short, `ctypes` where it was handed a wrong pointer. So their
 * frames name no bug; the Python functions that called them do.
 */
const names = `
_asyncio _bisect _blake2 _bz2 _codecs_cn _codecs_hk _codecs_iso2022 _codecs_jp _codecs_kr
_codecs_tw _contextvars _crypt _csv _ctypes _ctypes_test _curses _curses_panel _datetime _dbm
_decimal _elementtree _gdbm _hashlib _heapq _hmac _interpchannels _interpqueues _interpreters _json
_lsprof _lzma _md5 _msi _multibytecodec _multiprocessing _opcode _overlapped _pickle
_posixshmem _posixsubprocess _queue _random _remote_debugging _sha1 _sha2 _sha256 _sha3 _sha512
_socket _sqlite3 _ssl _statistics _struct _tkinter _uuid _xxinterpchannels _xxsubinterpreters
_zoneinfo _zstd array audioop binascii cmath fcntl grp math mmap nis ossaudiodev parser pyexpat
readline resource select spwd syslog termios unicodedata winsound xxlimited zlib
`;

export const stdlibExtensions: ReadonlySet<string> = new Set(names.trim().split(/\s+/));

/**
 * Objects through which Python calls code that it describes itself: ctypes and libffi, cffi, numba.
 * What they call is handed the caller's own arguments.
 */
export const mechanismObjects: ReadonlySet<string> = new Set([
  "_cffi_backend",
  "_ctypes",
  "_dispatcher",
  "libffi",
]);
