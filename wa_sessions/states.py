"""The words of the lifecycle, as the database and the API spell them."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Status(models.TextChoices):
    """What the row says: last known, never "now"."""

    CONNECTED = "CONNECTED", _("Connected")
    CONNECTING = "CONNECTING", _("Connecting")
    DISCONNECTED = "DISCONNECTED", _("Disconnected")
    PAUSED = "PAUSED", _("Paused")
    FAILED = "FAILED", _("Failed")
    TIMEOUT = "TIMEOUT", _("Timed out")


class Intent(models.TextChoices):
    """What people want. Only people write it."""

    ONLINE = "ONLINE", _("Online")
    PAUSED = "PAUSED", _("Paused")
    OFFLINE = "OFFLINE", _("Offline")


class Wish(models.TextChoices):
    """What a person asked for last, beyond the intent that it left behind."""

    CONNECT = "connect", _("Connect")
    CONNECT_BY_CODE = "connect_by_code", _("Connect with a code")
    PAUSE = "pause", _("Pause")
    RESUME = "resume", _("Resume")
    DISCONNECT = "disconnect", _("Disconnect")
    UNLINK = "unlink", _("Unlink")


class Source(models.TextChoices):
    """Who changed the status."""

    SOCKET = "socket", _("Connection")
    PERSON = "person", _("Person")
    SYNC = "sync", _("Correction")
    OWNERSHIP = "ownership", _("Server start")
