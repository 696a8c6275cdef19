"""Health: five terms that everybody may see, so that anyone sees which one fails."""

from dataclasses import asdict, dataclass

from wa_sessions.states import Status


@dataclass(frozen=True, slots=True)
class Checks:
    db_connected: bool
    live_connected: bool
    socket_has_user: bool
    websocket_open: bool
    auto_reconnect: bool

    @property
    def all_hold(self) -> bool:
        return all(asdict(self).values())


def checks_of(*, status: str, live_status: str, has_user: bool, is_open: bool, auto_reconnect: bool) -> Checks:
    return Checks(
        db_connected=status == Status.CONNECTED,
        live_connected=live_status == Status.CONNECTED,
        socket_has_user=has_user,
        websocket_open=is_open,
        auto_reconnect=auto_reconnect,
    )
