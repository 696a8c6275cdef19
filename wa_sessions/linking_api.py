"""The API of linking a phone, by QR or by a code to type. Both are secrets: neither is cached, stored or logged."""

import threading
import time
from datetime import UTC, datetime, timedelta

from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from outlets.models import Outlet
from outlets.selectors import outlet_for
from wa_sessions import selectors, services
from wa_sessions.api import NO_STORE, OUTLET_ERRORS, iso, refused, user_of, wished
from wa_sessions.models import Flip, WhatsAppSession
from wa_sessions.serializers import ErrorAnswer, PairingCodeAnswer, QrAnswer
from wa_sessions.states import Status

CODE_WAIT_S = 12.0  # how long a request for a pairing code waits for it
CODE_POLL_S = 0.2
CODE_WAITERS = 2  # requests that may wait at once: each holds one of the few request threads
CODE_VALID_S = 160.0  # the connection that a code belongs to ends with its last QR


class NoQr(exceptions.APIException):
    status_code = 404
    default_code = "no_qr"
    default_detail = _("No QR is waiting to be scanned.")


class NoCode(exceptions.APIException):
    status_code = 504
    default_code = "no_code"
    default_detail = _("WhatsApp has not given a code in time. Try again.")


class Busy(exceptions.APIException):
    status_code = 503
    default_code = "busy"
    default_detail = _("Too many codes are being asked for right now. Try again in a moment.")
    wait = CODE_WAIT_S  # seconds; becomes Retry-After


class PairingCodeThrottle(UserRateThrottle):
    """Each code makes the phone of the outlet ring."""

    scope = "pairing-code"
    rate = "6/min"


class QrView(APIView):
    @extend_schema(operation_id="session_qr", responses={200: QrAnswer, **OUTLET_ERRORS})
    def get(self, request: Request, outlet_id: str) -> Response:
        """The QR that waits to be scanned; 404 `no_qr` while none does. A new one comes before the old one ends."""
        outlet = outlet_for(user_of(request), outlet_id)
        # An open page of a deactivated outlet must not go on showing a way in.
        qr = selectors.qr_of(outlet) if outlet.is_active else None
        if qr is None:
            raise NoQr
        return Response({"success": True, "qr": qr.text, "expiresAt": iso(qr.expires_at)}, headers=NO_STORE)


class PairingCodeView(APIView):
    throttle_classes = (PairingCodeThrottle,)
    _waiters = threading.BoundedSemaphore(CODE_WAITERS)

    @extend_schema(
        operation_id="session_pairing_code",
        request=None,
        responses={
            200: PairingCodeAnswer,
            **OUTLET_ERRORS,
            **dict.fromkeys((409, 429, 503, 504), ErrorAnswer),
        },
    )
    def post(self, request: Request, outlet_id: str) -> Response:
        """A code to type into the outlet's phone instead of scanning. Waits up to 12 s for WhatsApp to give one."""
        outlet = outlet_for(user_of(request), outlet_id)
        code = _code_now(outlet)
        if code is None:
            if not self._waiters.acquire(blocking=False):
                raise Busy
            try:
                code = _code_asked(outlet)
            finally:
                self._waiters.release()
        answer = {"success": True, "code": f"{code[:4]}-{code[4:]}", "expiresAt": iso(_code_ends(outlet))}
        return Response(answer, headers=NO_STORE)


def _code_now(outlet: Outlet) -> str | None:
    """The code that stands already: asking for another one would end it while somebody types it."""
    is_pairing = WhatsAppSession.objects.filter(pk=outlet.pk, status=Status.CONNECTING, jid="").exists()
    return selectors.pairing_code_of(outlet) if is_pairing else None


def _code_asked(outlet: Outlet) -> str:
    """Ask for a code and wait for it. Raises `Refused` where none will come, `NoCode` when it took too long."""
    rows = WhatsAppSession.objects.filter(pk=outlet.pk)
    if rows.exclude(jid="").exists():
        raise refused("already_linked", _("This outlet is linked already. Connect it, or unlink it first."))
    asked = wished(lambda outlet: services.session_connect(outlet, by_code=True), outlet)
    give_up_at = time.monotonic() + CODE_WAIT_S
    while time.monotonic() < give_up_at:
        time.sleep(CODE_POLL_S)
        row = rows.values_list("status", "jid", "wish_done").first()
        if row is None:
            raise Http404  # the outlet was deleted meanwhile
        status, jid, wish_done = row
        if jid:
            raise refused("already_linked", _("This outlet has just been linked."))
        if wish_done < asked.wish_number:
            continue
        if status != Status.CONNECTING:
            raise refused("pairing_ended", _("The linking has ended. Try again."))
        if (code := selectors.pairing_code_of(outlet)) is not None:
            return code
    raise NoCode


def _code_ends(outlet: Outlet) -> datetime:
    began: Flip | None = selectors.flips_of(outlet).filter(to_status=Status.CONNECTING).first()
    return (began.at if began else datetime.now(UTC)) + timedelta(seconds=CODE_VALID_S)
