"""
Builds a release of the shop, as a pipeline would: compiles it once, deploys what it compiled, and packs
the same files with their sources for the crash server.

    python3 pack.py OUT

OUT/app is what a host gets: .pyc files only. OUT/symbols.zip is what the crash server gets.
"""

import os
import py_compile
import sys
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))

#: Where the hosts of this shop keep it; compiled in, so every traceback and dump says it.
DEPLOYED_AT = "/srv/shop"


def sources(package):
    for folder, _, names in sorted(os.walk(os.path.join(HERE, package))):
        for name in sorted(names):
            if name.endswith(".py"):
                yield os.path.relpath(os.path.join(folder, name), HERE)


def pack(out):
    with zipfile.ZipFile(os.path.join(out, "symbols.zip"), "w", zipfile.ZIP_DEFLATED) as symbols:
        for source in sources("shop"):
            compiled = os.path.join(out, "app", source + "c")
            py_compile.compile(
                os.path.join(HERE, source),
                cfile=compiled,
                dfile="{}/{}".format(DEPLOYED_AT, source),
                doraise=True,
            )
            symbols.write(compiled, source + "c")
            symbols.write(os.path.join(HERE, source), source)


if __name__ == "__main__":
    pack(sys.argv[1])
