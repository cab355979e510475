/**
 * Top-level names of the standard library that have Python source, CPython 3.3 to 3.15: the union
 * of `sys.stdlib_module_names` and the `Lib/` folders of those releases, without the modules
 * written in C, which have no Python frames.
 *
 * Needed where a path does not tell by itself: Windows (`C:\Python39\Lib\queue.py`), frozen
 * modules, PyInstaller's relative paths, and frames that have a module name and no file.
 */
const names = `
__future__ __hello__ _aix_support _android_support _apple_support _ast_unparse _bootlocale
_bootsubprocess _collections_abc _colorize _compat_pickle _compression _dummy_thread
_frozen_importlib _frozen_importlib_external _ios_support _markupbase _opcode_metadata
_osx_support _py_abc _py_warnings _pydatetime _pydecimal _pyio _pylong _pyrepl _sitebuiltins
_strptime _sysconfigdata _threading_local _weakrefset abc aifc annotationlib antigravity argparse
ast asynchat asyncio asyncore base64 bdb binhex bisect bz2 cProfile calendar cgi cgitb chunk cmd
code codecs codeop collections colorsys compileall compression concurrent configparser contextlib
contextvars copy copyreg crypt csv ctypes curses dataclasses datetime dbm decimal difflib dis
distutils doctest dummy_threading email encodings ensurepip enum filecmp fileinput fnmatch
formatter fractions ftplib functools genericpath getopt getpass gettext glob graphlib gzip hashlib
heapq hmac html http idlelib imaplib imghdr imp importlib inspect io ipaddress json keyword
lib2to3 linecache locale logging lzma macpath macurl2path mailbox mailcap mimetypes modulefinder
msilib multiprocessing netrc nntplib ntpath nturl2path numbers opcode operator optparse os pathlib
pdb pickle pickletools pipes pkgutil platform plistlib poplib posixpath pprint profile profiling
pstats pty py_compile pyclbr pydoc pydoc_data queue quopri random re reprlib rlcompleter runpy
sched secrets selectors shelve shlex shutil signal site smtpd smtplib sndhdr socket socketserver
sqlite3 sre_compile sre_constants sre_parse ssl stat statistics string stringprep struct
subprocess sunau symbol symtable sysconfig tabnanny tarfile telnetlib tempfile textwrap this
threading timeit tkinter token tokenize tomllib trace traceback tracemalloc tty turtle turtledemo
types typing unittest urllib uu uuid venv warnings wave weakref webbrowser wsgiref xdrlib xml
xmlrpc zipapp zipfile zipimport zoneinfo
`;

export const stdlibModules: ReadonlySet<string> = new Set(names.trim().split(/\s+/));
