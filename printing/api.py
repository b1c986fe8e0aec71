"""Print jobs, as API v1."""

import datetime as dt
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.generics import get_object_or_404
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from fablab.lib.api import INVALID, Page
from machines.models import Machine
from people.idempotency import idempotent
from people.models import Person
from people.models.token import Scope
from people.signed_in import signed_in
from printing.errors import PrintRefused, WrongJobState
from printing.file_removal import discard_file
from printing.files import store_file
from printing.messages import failure_words, sentence_of
from printing.models import PrintCommand, Printer, PrintFile, PrintJob
from printing.services import ask, check_may_send
from printing.submitting import check_may_keep, queue_job
from reservations.api_refusals import Refused, refused
from reservations.messages import Sentence


class PrintJobOut(serializers.Serializer[Any]):
    reference = serializers.CharField()
    machine = serializers.SlugField()
    file = serializers.CharField()
    reservation = serializers.CharField(allow_null=True)
    state = serializers.CharField()
    progress_pct = serializers.FloatField()
    time_left_s = serializers.IntegerField(allow_null=True)
    time_left_origin = serializers.CharField(
        help_text="What it was reckoned from: printer, slicer, analysis, earlier, file; empty when nobody says."
    )
    layer = serializers.IntegerField(allow_null=True, help_text="From 1, of `layers`; null when nobody can tell.")
    layers = serializers.IntegerField(allow_null=True)
    estimated_s = serializers.IntegerField(allow_null=True)
    filament_g = serializers.FloatField(allow_null=True)
    error_code = serializers.CharField()
    error = serializers.CharField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)


class PrintJobIn(serializers.Serializer[Any]):
    machine = serializers.SlugField()
    file = serializers.FileField(max_length=200)


def shown(job: PrintJob) -> dict[str, Any]:
    """One job; its file, machine and reservation must be at hand."""
    return {
        "reference": job.reference,
        "machine": job.machine.slug,
        "file": job.file.name,
        "reservation": job.reservation.reference if job.reservation else None,
        "state": job.state,
        "progress_pct": round(job.progress_pct, 1),
        "time_left_s": int(job.time_left.total_seconds()) if job.time_left is not None else None,
        "time_left_origin": job.time_left_origin if job.time_left is not None else "",
        "layer": job.layer,
        "layers": job.layers,
        "estimated_s": int(job.file.estimated.total_seconds()) if job.file.estimated else None,
        "filament_g": job.file.filament_g,
        "error_code": job.error_code,
        "error": failure_words(job.error_code),
        "created_at": job.created_at,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
    }


class PrintJobs(APIView):
    needs_person = True
    write_scope = Scope.PRINT.value
    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="print_jobs_list",
        parameters=[
            OpenApiParameter("cursor", OpenApiTypes.STR),
            OpenApiParameter("page_size", OpenApiTypes.INT),
        ],
        responses={200: PrintJobOut(many=True)},
    )
    def get(self, request: Request) -> Response:
        """One's own jobs; staff see those of their sites. Newest first, by cursor."""
        rows = PrintJob.objects.visible_to(request.user).select_related("file", "machine", "reservation")
        page = Page()
        page.ordering = ("-created_at", "-id")
        found = page.paginate_queryset(rows, request, view=self) or []
        return page.get_paginated_response([shown(job) for job in found])

    @extend_schema(
        operation_id="print_jobs_create",
        request={"multipart/form-data": PrintJobIn},
        responses={201: PrintJobOut, 400: INVALID, 409: Refused},
        parameters=[OpenApiParameter("Idempotency-Key", OpenApiTypes.STR, OpenApiParameter.HEADER)],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Send G-code to a machine, under one's reservation of it."""
        form = PrintJobIn(data=request.data)
        form.is_valid(raise_exception=True)
        sent, now = form.validated_data["file"], timezone.now()
        rows = Machine.objects.visible_to(request.user).with_places()
        machine = get_object_or_404(rows, slug=form.validated_data["machine"])
        try:
            check_may_send(machine=machine, person=signed_in(request), now=now)
            check_may_keep(signed_in(request))
            printer = Printer.objects.select_related("spool").filter(machine=machine, is_enabled=True).first()
            file = store_file(stream=sent, name=sent.name, by=signed_in(request), now=now, printer=printer)
            job = _queued(file, machine, signed_in(request), now)
        except PrintRefused as refusal:
            return refused(map(sentence_of, refusal.denials))
        return Response(shown(job), status=201)


def _queued(file: PrintFile, machine: Machine, person: Person, now: dt.datetime) -> PrintJob:
    """The job; a file that gets none is nowhere listed, and must not stay."""
    try:
        return queue_job(file=file, machine=machine, person=person, by=person, now=now)
    except PrintRefused:
        discard_file(file)
        raise


class PrintJobDetail(APIView):
    needs_person = True
    write_scope = Scope.PRINT.value

    def _find(self, request: Request, reference: str) -> PrintJob:
        rows = PrintJob.objects.visible_to(request.user).select_related("file", "machine", "reservation")
        return get_object_or_404(rows, reference=reference)

    @extend_schema(operation_id="print_jobs_retrieve", responses={200: PrintJobOut})
    def get(self, request: Request, reference: str) -> Response:
        return Response(shown(self._find(request, reference)))


class PrintJobAction(PrintJobDetail):
    http_method_names = ["post", "options"]

    @extend_schema(operation_id="print_jobs_act", request=None, responses={200: PrintJobOut, 409: Refused})
    def post(self, request: Request, reference: str, action: str) -> Response:
        """Ask for `pause`, `resume` or `cancel`; the worker carries it out."""
        job = self._find(request, reference)
        try:
            ask(job=job, kind=PrintCommand.Kind(action), by=signed_in(request), now=timezone.now())
        except WrongJobState:
            message = gettext("The print has moved on meanwhile; look at its state below.")
            return refused([Sentence("wrong_state", message, "")])
        return Response(shown(self._find(request, reference)))
