"""A connection and its peer without a socket, and a clock that the test turns."""

from tests.whatsapp.peer import ROOT_KEY, WALL_TIME, Peer, linked_credentials
from whatsapp.protocol.connection import Connection
from whatsapp.protocol.settings import Settings

SETTINGS = Settings(root_key=ROOT_KEY, random=lambda: 0.0)
REFS = ["ref-a", "ref-b", "ref-c"]


class Line:
    """A connection and its peer, wired together; `now` moves only when told."""

    def __init__(self, credentials=None, *, peer=None, settings=SETTINGS):
        self.now = 1000.0
        self.credentials = credentials or linked_credentials()
        self.peer = peer or Peer()
        self.connection = Connection(self.credentials, settings, now=self.now, wall_time=WALL_TIME)

    def shake(self):
        answer = self.peer.receive(self.connection.data_to_send())
        self.connection.receive_data(answer, self.now)
        self.flush()
        return self

    def flush(self):
        self.peer.receive(self.connection.data_to_send())

    def arrives(self, *nodes):
        """The server sends; gives what the connection has to say about it."""
        self.connection.receive_data(self.peer.write(*nodes), self.now)
        self.flush()
        return self.connection.signals()

    def wait(self, seconds):
        """Time passes, and the clock ticks whenever it is due."""
        until = self.now + seconds
        signals = []
        while self.connection.wake_at <= until:
            self.now = max(self.now, self.connection.wake_at)
            self.connection.tick(self.now)
            self.flush()
            signals += self.connection.signals()
        self.now = until
        return signals

    @property
    def end(self):
        return self.connection.end
