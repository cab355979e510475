"""
The command: `python -m faultline …`, script `faultline-reporter`.

Exit codes: 0 done, 1 it could not be done, 2 wrong usage; `run` exits as its command did.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any, Dict, List, Optional, Sequence

from ._options import DSN_VARIABLE, ENVIRONMENT_VARIABLE, RELEASE_VARIABLE, SPOOL_VARIABLE
from ._version import __version__

URL_VARIABLE, TOKEN_VARIABLE, PROJECT_VARIABLE = "FAULTLINE_URL", "FAULTLINE_TOKEN", "FAULTLINE_PROJECT"


class CommandError(Exception):
    """The command cannot go on; the message is for the person who gave it."""


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """The exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except CommandError as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1


def say(message: str) -> None:
    """On stderr: what is for people."""
    print(f"faultline: {message}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="faultline-reporter", description="Captures crashes of Python processes and sends them to Faultline."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_run(commands)
    _add_core(commands)
    _add_doctor(commands)
    _add_send(commands)
    _add_spool(commands)
    _add_symbols(commands)
    return parser


def _command(commands: Any, name: str, help_text: str, module: str, function: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=help_text, description=help_text)

    def run(options: argparse.Namespace) -> int:
        import importlib

        return int(getattr(importlib.import_module(f".{module}", __package__), function)(options))

    parser.set_defaults(run=run)
    return parser


def _about_crash(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dsn", default=os.environ.get(DSN_VARIABLE), help=f"where to send (${DSN_VARIABLE})")
    parser.add_argument("--release", default=os.environ.get(RELEASE_VARIABLE), help=f"${RELEASE_VARIABLE}")
    parser.add_argument("--environment", default=os.environ.get(ENVIRONMENT_VARIABLE), help=f"${ENVIRONMENT_VARIABLE}")
    parser.add_argument("--tag", action="append", default=[], metavar="KEY=VALUE", help="may be repeated")
    parser.add_argument("--spool", default=os.environ.get(SPOOL_VARIABLE), metavar="DIR", help=f"${SPOOL_VARIABLE}")


def crash_info(options: argparse.Namespace) -> Dict[str, Any]:
    """What the options of `_about_crash` say, as an application says it when it registers. Raises CommandError."""
    from ._spool_folder import default_spool

    tags = {}
    for pair in options.tag:
        key, separator, value = pair.partition("=")
        if not separator:
            raise CommandError(f"--tag: wanted KEY=VALUE, found {pair!r}")
        tags[key] = value
    return {
        "dsn": options.dsn,
        "release": options.release,
        "environment": options.environment,
        "tags": tags,
        "spool": os.path.abspath(options.spool or default_spool()),
        "reporterVersion": __version__,
    }


def _add_run(commands: Any) -> None:
    parser = _command(commands, "run", "run a command and report how it died", "_cli_run", "run")
    _about_crash(parser)
    parser.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- COMMAND …")


def _add_core(commands: Any) -> None:
    parser = _command(commands, "core", "turn a core file into a minidump and send it", "_cli_core", "core")
    _about_crash(parser)
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--out", metavar="FILE", help="write the dump there and send nothing")
    handler = _command(
        commands,
        "core-handler",
        "handle the cores of this host: |PYTHON -m faultline core-handler --pid %%P --spool DIR",
        "_cli_core",
        "core_handler",
    )
    _about_crash(handler)
    handler.add_argument("--pid", type=int, required=True, help="%%P of core(5)")


def _add_doctor(commands: Any) -> None:
    parser = _command(commands, "doctor", "tell what will be captured here, and what not", "_doctor", "doctor")
    _about_crash(parser)


def _add_send(commands: Any) -> None:
    parser = _command(commands, "send", "send a faulthandler text or a minidump", "_cli_send", "send")
    _about_crash(parser)
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="- is stdin; a text and a dump of one crash may be given"
    )
    parser.add_argument("--host", help="where it happened; else this one")
    parser.add_argument("--id", help="a UUID: the same crash sent twice is one crash")
    parser.add_argument("--time", help="when it happened, RFC 3339; else now")
    parser.add_argument("--python-version", metavar="X.Y.Z")


def _add_spool(commands: Any) -> None:
    parser = commands.add_parser("spool", help="what waits on this machine", description="what waits on this machine")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, help_text in (
        ("upload", "deliver everything now"),
        ("list", "list reports"),
        ("purge", "delete reports"),
    ):
        action = _command(actions, name, help_text, "_cli_spool", name)
        default = os.environ.get(SPOOL_VARIABLE)
        action.add_argument("folder", nargs="?", default=default, metavar="DIR", help=f"${SPOOL_VARIABLE}")
        if name == "upload":
            action.add_argument("--dsn", default=os.environ.get(DSN_VARIABLE), help="for reports that name none")
            action.add_argument("--wait", action="store_true", help="respect the pauses between tries")


def _add_symbols(commands: Any) -> None:
    parser = commands.add_parser("symbols", help="what a release's crashes need to be readable")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    upload = _command(
        actions, "upload", "find symbols below the paths and send those that are missing", "_cli_symbols", "upload"
    )
    upload.add_argument(
        "paths", nargs="+", metavar="PATH", help="wheel, site-packages, build tree, root of a container"
    )
    upload.add_argument("--release", default=os.environ.get(RELEASE_VARIABLE), help=f"${RELEASE_VARIABLE}")
    upload.add_argument("--url", default=os.environ.get(URL_VARIABLE), help=f"the service (${URL_VARIABLE})")
    upload.add_argument(
        "--token", default=os.environ.get(TOKEN_VARIABLE), help=f"with scope symbols (${TOKEN_VARIABLE})"
    )
    upload.add_argument("--project", default=os.environ.get(PROJECT_VARIABLE), help=f"${PROJECT_VARIABLE}")
    upload.add_argument(
        "--debug", action="append", default=[], metavar="DIR", help="where debug files lie, by build id too"
    )
    upload.add_argument("--no-sources", action="store_true", help="send no source text")
    upload.add_argument("--no-native", action="store_true", help="send no ELF files")
    upload.add_argument(
        "--check", action="store_true", help="fail when a crash of the release could not be symbolicated"
    )
    upload.add_argument(
        "--stripped-ok", action="append", default=[], metavar="GLOB", help="names that may lack debug information"
    )
    upload.add_argument("--dry-run", action="store_true", help="say what would be sent")


def lines(rows: Sequence[Sequence[str]]) -> List[str]:
    """Columns of equal width."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))] if rows else []
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
