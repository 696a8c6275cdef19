"""Health: five terms, each shown, so that anyone sees which one fails. Pure."""


def checks_of(
    *, status: str | None, live_status: str, has_user: bool, is_open: bool, auto_reconnect: bool
) -> dict[str, bool]:
    """The five terms by their names in the API. `status` is the DB status."""
    return {
        "dbConnected": status == "CONNECTED",
        "liveConnected": live_status == "CONNECTED",
        "socketHasUser": has_user,
        "websocketOpen": is_open,
        "autoReconnect": auto_reconnect,
    }


def is_healthy(checks: dict[str, bool], *, is_active: bool) -> bool:
    """All five hold, and the outlet is in use."""
    return is_active and all(checks.values())
