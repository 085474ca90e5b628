"""Options that every command takes, before or after its word."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from ko_tui.backend.options import Mode, SessionOptions

# Options whose next word is their value: needed to find the command among the words.
VALUE_OPTIONS = frozenset(
    {
        "--kubeconfig",
        "--context",
        "--namespace",
        "-n",
        "--as",
        "--as-group",
        "--as-uid",
        "--snapshot",
        "--lang",
        "--theme",
        "--yes",
        "--config",
    }
)


def global_parser() -> argparse.ArgumentParser:
    """A parser to build others on (``parents=[...]``)."""
    import argparse

    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    cluster = parser.add_argument_group("cluster")
    cluster.add_argument("--kubeconfig", default="", help="kubeconfig file (as kubectl)")
    cluster.add_argument("--context", default="", help="context of the kubeconfig")
    cluster.add_argument(
        "-n",
        "--namespace",
        default=None,
        help="Kube-OVN's namespace (default: KUBE_OVN_NS, else found by labels)",
    )
    cluster.add_argument("--as", dest="as_user", default="", help="user to impersonate")
    cluster.add_argument(
        "--as-group", action="append", default=[], help="group to impersonate; may be repeated"
    )
    cluster.add_argument("--as-uid", default="", help="UID to impersonate")
    cluster.add_argument(
        "--snapshot", default="", metavar="FILE", help="a saved cluster instead of a live one"
    )
    cluster.add_argument("--demo", action="store_true", help="the saved cluster that comes with ko-tui")
    what = parser.add_argument_group("what may be done")
    what.add_argument(
        "--allow-write", action="store_true", help="allow commands that change something, each asked for"
    )
    what.add_argument(
        "--read-only-strict", action="store_true", help="only a short list of commands, and no active probes"
    )
    what.add_argument(
        "--yes", default="", metavar="TARGET", help="confirm a change by the name of its target"
    )
    parser.add_argument("--lang", default="", choices=["", "en", "zh"], help="language of the explanations")
    parser.add_argument("--config", default="", metavar="FILE", help="configuration file")
    return parser


def refuse_strict(args: argparse.Namespace, what: str) -> None:
    """For a command that --read-only-strict leaves nothing of; before any cluster. Raises PolicyRefusal."""
    if args.read_only_strict:
        from ko_tui.backend.errors import PolicyRefusal

        raise PolicyRefusal(
            f"{what}, which --read-only-strict does not allow. ko-tui is read-only.",
            "Start it without --read-only-strict.",
        )


def refuse_saved(args: argparse.Namespace, what: str) -> None:
    """For a command that only a running cluster can answer. Raises UsageError."""
    if args.snapshot or args.demo:
        from ko_tui.backend.errors import UsageError

        raise UsageError(
            f"{what} asks a running cluster, and this one is saved.", "Leave --snapshot and --demo out."
        )


def session_options(args: argparse.Namespace) -> SessionOptions:
    """The session that the global options ask for."""
    import os

    from ko_tui.backend.explain.language import pick_language
    from ko_tui.backend.options import SessionOptions

    mode: Mode = "allow-write" if args.allow_write else "read-only"
    if args.read_only_strict:
        mode = "strict"
    return SessionOptions(
        kubeconfig=args.kubeconfig,
        context=args.context,
        namespace=args.namespace if args.namespace is not None else os.environ.get("KUBE_OVN_NS", ""),
        snapshot=args.snapshot,
        demo=args.demo,
        mode=mode,
        as_user=args.as_user,
        as_groups=tuple(args.as_group),
        as_uid=args.as_uid,
        lang=pick_language(args.lang, "", os.environ),
    )
