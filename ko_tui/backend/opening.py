"""Opening a cluster as the command line asked: which source, under which policy, with which audit log."""

from __future__ import annotations

from ko_tui.backend.session import Session, SessionOptions


def open_source(options: SessionOptions) -> Session:
    """See session.open_session. What each kind of source needs is imported only when it is used."""
    from ko_tui.backend.command.audit import AuditLog
    from ko_tui.backend.command.guard import guard_for

    if options.snapshot or options.demo:
        from ko_tui.backend.source.snapshot import demo_path, open_snapshot

        return Session(open_snapshot(options.snapshot or demo_path()), options)
    from ko_tui.backend.source.live import Impersonation, open_live

    impersonate = (
        Impersonation(options.as_user, options.as_groups, options.as_uid)
        if options.as_user or options.as_groups or options.as_uid
        else None
    )
    source = open_live(options.kubeconfig or None, options.context or None, impersonate)
    return Session(source, options, guard=guard_for(options.mode), audit=AuditLog(source.info))
