"""Hears what comes for the outlets, and has it on disk before WhatsApp is told that it arrived."""

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from blast.receipts import Receipt, receipts_write
from blast.replies import Reply, Unconfirmed, confirmed, replies_write, unconfirmed
from wa_sessions.db import DATABASE_AWAY, run_db, run_db_when_back
from whatsapp.events import MessageReceived, ReceiptReceived
from whatsapp.exceptions import NotOnWhatsAppError, QueryError, SendRefusedError, WhatsAppError
from whatsapp.protocol.jid import Jid
from whatsapp.protocol.messages import Text

if TYPE_CHECKING:
    from blast.worker import Worker

logger = logging.getLogger("blast")

LOOK_S = 30.0


class Listener:
    """Lives on the loop, one per worker."""

    def __init__(self, worker: "Worker") -> None:
        self._worker = worker
        self._has_opt_out = asyncio.Event()  # perhaps somebody is to be told that it was heard
        self._has_opt_out.set()  # of an earlier life, perhaps

    async def take(self, outlet: int, event: MessageReceived | ReceiptReceived) -> None:
        """Returns once it is on disk."""
        group = self._worker.manager.group
        if isinstance(event, ReceiptReceived):
            for blast in await group.write(receipts_write, Receipt(outlet, event)):
                self._worker.changed(blast)
            return
        heard = await group.write(replies_write, Reply(outlet, event))
        for blast in heard.blasts:
            self._worker.changed(blast)
        if heard.gone:
            self._worker.opted_out |= heard.gone
            self._has_opt_out.set()
            self._worker.nudge()

    async def confirm_always(self) -> None:
        """Tell everybody once who opted out. The id is fixed: after a crash the message is repeated, and shown once."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._has_opt_out.wait()
            self._has_opt_out.clear()
            try:
                for row in await run_db(unconfirmed, datetime.now(UTC)):
                    await self._confirm(row)
            except DATABASE_AWAY:
                continue

    async def _confirm(self, row: Unconfirmed) -> None:
        client = self._worker.manager.client_of(row.outlet)
        if client is None or not row.jid:
            return
        with translation.override(settings.LANGUAGE_CODE):
            text = _("All right: you will get no more messages from us.")
        try:
            await client.send_message(Jid.parse(row.jid), Text(text), message_id=row.message_id)
        except (SendRefusedError, NotOnWhatsAppError, QueryError) as error:  # it will not get better
            logger.warning("[WhatsApp] outlet_%s: an opt-out was not confirmed (%s)", row.outlet, type(error).__name__)
        except (WhatsAppError, TimeoutError):
            return  # later
        await run_db_when_back(confirmed, row.pk)
