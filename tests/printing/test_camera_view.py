"""The still of a printer's camera: for those who see the job, while it has the printer, and asked for once."""

import io
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.core.cache import caches
from django.test import Client
from django.urls import reverse
from PIL import Image

from printing.models import JobState, Printer, PrintJob
from tests.factories import make_person
from tests.printing.builders import fresh

pytestmark = pytest.mark.django_db


@pytest.fixture
def camera(lab):
    """Its address, and how often it was asked."""
    picture = io.BytesIO()
    Image.new("RGB", (64, 48), "orange").save(picture, "JPEG")
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "image/jpeg")
            self.send_header("Content-Length", str(len(picture.getvalue())))
            self.end_headers()
            self.wfile.write(picture.getvalue())

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    Printer.objects.update(camera_url=f"http://127.0.0.1:{server.server_port}/?action=snapshot")
    yield asked
    server.shutdown()
    server.server_close()


def look(person, job):
    client = Client()
    client.force_login(person)
    return client.get(reverse("print-camera", args=[job.reference]))


def test_its_person_sees_the_print_and_the_camera_is_asked_once_for_all(lab, camera):
    job = lab.printing()

    first, second = look(lab.person, job), look(lab.person, job)

    assert (first.status_code, first["Content-Type"]) == (200, "image/jpeg")
    assert Image.open(io.BytesIO(first.content)).size == (64, 48)
    assert second.content == first.content
    assert camera == ["/?action=snapshot"]


def test_stranger_sees_nothing_and_the_camera_is_not_asked(lab, camera):
    job = lab.printing()

    assert look(make_person(), job).status_code == 404
    assert camera == []


def test_after_the_print_the_bed_is_somebody_else_s(lab, camera):
    job = lab.printing()
    PrintJob.objects.filter(pk=job.pk).update(state=JobState.FINISHED)

    assert look(lab.person, fresh(job)).status_code == 404


def test_camera_that_does_not_answer_is_no_error(lab):
    caches["process"].clear()
    Printer.objects.update(camera_url="http://127.0.0.1:9/still.jpg")

    assert look(lab.person, lab.printing()).status_code == 404
