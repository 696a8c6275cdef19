"""The row that says what is last known of an outlet's connection, and everything that hangs on it."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from outlets.models import Outlet
from wa_sessions.states import Intent, Source, Status, Wish


class WhatsAppSession(models.Model):
    """An outlet's linked-device session: one row per outlet, made when somebody first asks to connect.

    Three groups of columns, three kinds of writers. The wish is written by people only (`services.session_*`). The
    state is written by the process that owns the outlet, and by sync, always `WHERE owner AND epoch`. `version` counts
    the writes of the state, so that a correction computed from an older row changes nothing.
    """

    outlet = models.OneToOneField(
        Outlet, on_delete=models.CASCADE, related_name="session", primary_key=True, verbose_name=_("outlet")
    )

    # The wish: written by people.
    intent = models.CharField(_("intent"), max_length=10, choices=Intent.choices, default=Intent.OFFLINE)
    wish = models.CharField(max_length=20, choices=Wish.choices, blank=True, default="")
    wish_number = models.PositiveIntegerField(default=0)  # counts what people asked; see `wish_done`
    auto_reconnect = models.BooleanField(_("auto-reconnect"), default=True)
    max_retries = models.PositiveSmallIntegerField(_("retries at most"), default=3)

    # The state: written by the owner.
    status = models.CharField(_("status"), max_length=12, choices=Status.choices, default=Status.DISCONNECTED)
    wish_done = models.PositiveIntegerField(default=0)  # the last wish that the owner acted on
    session_name = models.CharField(_("session name"), max_length=100, blank=True, default="")
    jid = models.CharField(max_length=80, blank=True, default="")  # the linked device; empty: not linked
    linked_at = models.DateTimeField(_("linked at"), null=True, blank=True)  # when `jid` was paired
    connected_at = models.DateTimeField(_("connected at"), null=True, blank=True)
    last_seen = models.DateTimeField(_("last seen"), null=True, blank=True)
    qr = models.BinaryField(null=True, blank=True, editable=False)  # encrypted; whoever reads it can link
    qr_expires_at = models.DateTimeField(null=True, blank=True)
    pairing_code = models.BinaryField(null=True, blank=True, editable=False)  # encrypted likewise
    retry_count = models.PositiveSmallIntegerField(_("retries"), default=0)
    retry_at = models.DateTimeField(null=True, blank=True)  # when the next attempt is due, or a ban ends
    cause = models.CharField(_("cause"), max_length=40, blank=True, default="")  # a code of `causes.py`
    cause_detail = models.JSONField(default=dict, blank=True)  # what its sentence needs: numbers, codes

    owner = models.CharField(max_length=32, blank=True, default="")
    epoch = models.PositiveIntegerField(default=0)
    version = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "whatsapp_sessions"
        verbose_name = _("WhatsApp session")
        verbose_name_plural = _("WhatsApp sessions")

    def __str__(self) -> str:
        return f"outlet_{self.pk}"


class Flip(models.Model):
    """One change of the DB status."""

    session = models.ForeignKey(
        WhatsAppSession, on_delete=models.CASCADE, related_name="flips", verbose_name=_("session")
    )
    from_status = models.CharField(_("from"), max_length=12, choices=Status.choices)
    to_status = models.CharField(_("to"), max_length=12, choices=Status.choices)
    reason = models.CharField(_("reason"), max_length=40, blank=True)  # a code of `causes.py`, or a wish
    source = models.CharField(_("source"), max_length=10, choices=Source.choices)
    at = models.DateTimeField(_("at"))
    drift_s = models.FloatField(_("disagreed for (s)"), null=True, blank=True)  # sync only

    class Meta:
        verbose_name = _("status change")
        verbose_name_plural = _("status changes")
        ordering = ("-at", "-pk")
        indexes = (models.Index(fields=("session", "-at"), name="flip_session_at"),)

    def __str__(self) -> str:
        return f"{self.from_status} → {self.to_status}"


class Credential(models.Model):
    """The encrypted keys of a linked device: `whatsapp.credentials.Credentials`, sealed."""

    session = models.OneToOneField(
        WhatsAppSession, on_delete=models.CASCADE, related_name="credential", primary_key=True
    )
    sealed = models.BinaryField()
    next_pre_key_id = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(auto_now=True)


class PreKey(models.Model):
    """A one-time pre-key that the server has, or is about to have."""

    session = models.ForeignKey(WhatsAppSession, on_delete=models.CASCADE, related_name="pre_keys")
    key_id = models.PositiveIntegerField()
    sealed = models.BinaryField()
    is_uploaded = models.BooleanField(default=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("session", "key_id"), name="pre_key_once"),)


class SignalSession(models.Model):
    """The ratchets with one device of a peer: the engine's record, sealed. `address` is "user_agent.device"."""

    session = models.ForeignKey(WhatsAppSession, on_delete=models.CASCADE, related_name="signal_sessions")
    address = models.CharField(max_length=80)
    sealed = models.BinaryField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("session", "address"), name="signal_session_once"),)


class LidMapping(models.Model):
    """Which phone number (digits) is behind a LID, as the server told this account."""

    session = models.ForeignKey(WhatsAppSession, on_delete=models.CASCADE, related_name="lid_mappings")
    number = models.CharField(max_length=20)
    lid = models.CharField(max_length=40)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("session", "number"), name="lid_mapping_once"),)
        indexes = (models.Index(fields=("session", "lid"), name="lid_mapping_lid"),)


class TrustedToken(models.Model):
    """What a person's account gave this one as a proof that they know each other; sealed."""

    session = models.ForeignKey(WhatsAppSession, on_delete=models.CASCADE, related_name="trusted_tokens")
    lid = models.CharField(max_length=40)
    sealed = models.BinaryField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("session", "lid"), name="trusted_token_once"),)


class SentMessage(models.Model):
    """What was sent, sealed, for recipients who could not decrypt it and ask again. Kept for some days."""

    session = models.ForeignKey(WhatsAppSession, on_delete=models.CASCADE, related_name="sent_messages")
    message_id = models.CharField(max_length=40)
    sealed = models.BinaryField()
    at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("session", "message_id"), name="sent_message_once"),)
        indexes = (models.Index(fields=("at",), name="sent_message_at"),)
