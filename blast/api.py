"""The API of blasts. `selectors.blast_for` is the only door to a blast: absent and foreign are the same 404."""

from collections.abc import Callable, Mapping
from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from blast import selectors, services
from blast.api_reading import key_of, plain, refusals, rows_of, settings_of
from blast.exporting import export
from blast.models import Blast
from blast.preflight import preflight
from blast.serializers import (
    BlastAnswer,
    BlastsAnswer,
    BlastsQuery,
    BlastWrite,
    ErrorAnswer,
    PreflightAnswer,
    RecipientsAnswer,
    RecipientsQuery,
    RetryAnswer,
    StartWrite,
)
from outlets.selectors import outlet_for
from wa_sessions.api import NO_STORE, user_of

ERRORS = {401: ErrorAnswer}
BLAST_ERRORS = {**ERRORS, 404: ErrorAnswer}
WISH_ERRORS = {**BLAST_ERRORS, 409: ErrorAnswer}
KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Any text of your own. The same request with the same key makes one blast.",
)


class BlastsView(APIView):
    parser_classes = (*APIView.parser_classes, MultiPartParser)

    @extend_schema(
        operation_id="blasts_list",
        parameters=[BlastsQuery],
        responses={200: BlastsAnswer, 400: ErrorAnswer, **ERRORS},
    )
    def get(self, request: Request) -> Response:
        """The blasts that you may see, newest first."""
        asked = asked_for(BlastsQuery, request)
        answer = selectors.blast_page(user_of(request), status=asked.get("status"), q=asked["q"], **paging(asked))
        return Response(answer, headers=NO_STORE)

    @extend_schema(
        operation_id="blast_create",
        request={"application/json": BlastWrite, "multipart/form-data": BlastWrite},
        parameters=[KEY],
        responses={201: BlastAnswer, 400: ErrorAnswer, 409: ErrorAnswer, **ERRORS},
    )
    def post(self, request: Request) -> Response:
        """Make a draft. Nothing is sent before `start`."""
        form = BlastWrite(data=plain(request))
        form.is_valid(raise_exception=True)
        data, user = form.validated_data, user_of(request)
        with refusals():
            given = {"rows": [], **rows_of(data, data["body"])}
            blast = services.blast_create(user, **settings_of(user, data), **given, key=key_of(request, data))
        return answer_of(blast, 201)


class BlastView(APIView):
    parser_classes = (*APIView.parser_classes, MultiPartParser)

    @extend_schema(operation_id="blast_retrieve", responses={200: BlastAnswer, **BLAST_ERRORS})
    def get(self, request: Request, blast_id: str) -> Response:
        """One blast: its numbers, those of each outlet, and who did what."""
        return answer_of(selectors.blast_for(user_of(request), blast_id))

    @extend_schema(
        operation_id="blast_update",
        request={"application/json": BlastWrite(partial=True), "multipart/form-data": BlastWrite(partial=True)},
        responses={200: BlastAnswer, 400: ErrorAnswer, **WISH_ERRORS},
    )
    def patch(self, request: Request, blast_id: str) -> Response:
        """Change what the body names, of a draft. New recipients take the place of all there are."""
        user = user_of(request)
        blast = selectors.blast_for(user, blast_id)
        form = BlastWrite(data=plain(request), partial=True)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        with refusals():
            blast = services.blast_update(
                blast,
                user,
                **settings_of(user, data),
                **rows_of(data, data.get("body", blast.body)),
                clears_move_to="moveTo" in data and data["moveTo"] is None,
            )
        return answer_of(blast)


class RecipientsView(APIView):
    @extend_schema(
        operation_id="blast_recipients",
        parameters=[RecipientsQuery],
        responses={200: RecipientsAnswer, 400: ErrorAnswer, **BLAST_ERRORS},
    )
    def get(self, request: Request, blast_id: str) -> Response:
        """Who the blast is for, in the order of the list, and what became of each message."""
        user = user_of(request)
        blast = selectors.blast_for(user, blast_id)
        asked = asked_for(RecipientsQuery, request)
        outlet = outlet_for(user, asked["outletId"]) if asked.get("outletId") else None
        answer = selectors.recipients_page(
            blast, status=asked.get("status"), outlet=outlet, q=asked["q"], **paging(asked)
        )
        return Response(answer, headers=NO_STORE)


class ExportView(APIView):
    @extend_schema(
        operation_id="blast_export",
        responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.BINARY, "CSV"), **BLAST_ERRORS},
    )
    def get(self, request: Request, blast_id: str) -> StreamingHttpResponse:
        """All recipients and their outcomes as CSV. No cell of it is a formula."""
        return export(selectors.blast_for(user_of(request), blast_id), for_people=False)


class PreflightView(APIView):
    @extend_schema(operation_id="blast_preflight", request=None, responses={200: PreflightAnswer, **BLAST_ERRORS})
    def post(self, request: Request, blast_id: str) -> Response:
        """What to know before the start. Takes some seconds at most: it asks WhatsApp about numbers."""
        user = user_of(request)
        return Response(preflight(selectors.blast_for(user, blast_id), user), headers=NO_STORE)


class StartView(APIView):
    @extend_schema(
        operation_id="blast_start", request=StartWrite, responses={202: BlastAnswer, 400: ErrorAnswer, **WISH_ERRORS}
    )
    def post(self, request: Request, blast_id: str) -> Response:
        """Send from now on, or from `startAt` on."""
        user = user_of(request)
        blast = selectors.blast_for(user, blast_id)
        form = StartWrite(data=request.data)
        form.is_valid(raise_exception=True)
        return answer_of(services.blast_start(blast, user, start_at=form.validated_data.get("startAt")), 202)


class _WishView(APIView):
    """A wish that needs nothing but the blast."""

    wish: Callable[[Blast, User], Blast]

    def carry_out(self, request: Request, blast_id: str) -> Response:
        user = user_of(request)
        return answer_of(type(self).wish(selectors.blast_for(user, blast_id), user), 202)


class PauseView(_WishView):
    wish = staticmethod(services.blast_pause)

    @extend_schema(operation_id="blast_pause", request=None, responses={202: BlastAnswer, **WISH_ERRORS})
    def post(self, request: Request, blast_id: str) -> Response:
        """Send nothing more until it is resumed. Acts within one message of each outlet."""
        return self.carry_out(request, blast_id)


class ResumeView(_WishView):
    wish = staticmethod(services.blast_resume)

    @extend_schema(operation_id="blast_resume", request=None, responses={202: BlastAnswer, **WISH_ERRORS})
    def post(self, request: Request, blast_id: str) -> Response:
        """End a pause."""
        return self.carry_out(request, blast_id)


class CancelView(_WishView):
    wish = staticmethod(services.blast_cancel)

    @extend_schema(operation_id="blast_cancel", request=None, responses={202: BlastAnswer, **WISH_ERRORS})
    def post(self, request: Request, blast_id: str) -> Response:
        """End it for good. Whoever was not written to will not be."""
        return self.carry_out(request, blast_id)


class RetryView(APIView):
    @extend_schema(operation_id="blast_retry", request=None, responses={202: RetryAnswer, **WISH_ERRORS})
    def post(self, request: Request, blast_id: str) -> Response:
        """Try those again that failed."""
        user = user_of(request)
        blast = selectors.blast_for(user, blast_id)
        retried = services.blast_retry_failed(blast, user)
        blast.refresh_from_db()
        answer = {"success": True, "blast": selectors.blast_detail(blast), "retried": retried}
        return Response(answer, status=202, headers=NO_STORE)


# What several views need


def answer_of(blast: Blast, status: int = 200) -> Response:
    return Response({"success": True, "blast": selectors.blast_detail(blast)}, status=status, headers=NO_STORE)


def asked_for(question: type[Any], request: Request) -> dict[str, Any]:
    """The checked parameters of the address."""
    query = question(data=request.query_params.dict())
    query.is_valid(raise_exception=True)
    found: dict[str, Any] = query.validated_data
    return found


def paging(asked: Mapping[str, Any]) -> dict[str, int]:
    return {"page": asked.get("page", 1), "page_size": asked.get("pageSize", selectors.PAGE_SIZE)}
