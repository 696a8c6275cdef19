"""The recipients' phones on the simulator page, with the control of a real simulator."""

import asyncio
import csv
import io
import threading
from types import SimpleNamespace

import pytest
from django.template.loader import render_to_string
from django.test import Client

from blast.recipients import parse_text
from tests.pages.conftest import DESK, PHONE
from tests.pages.scene import Scene
from tests.wa_sessions.sockets import session_of
from wa_sessions import simulator_recipients, simulator_sample
from wa_sessions.page_urls import simulator_urlpatterns
from whatsapp.simulator import Simulator
from whatsapp.simulator.control import ControlClient

JAKARTA = "6287788987745"
ANI, YANTO = simulator_sample.PEOPLE[0], simulator_sample.PEOPLE[-2]


@pytest.fixture
def control(settings):
    """A simulator in a thread of its own, with Jakarta's phone and the recipients of the sample."""
    started, stopped, here = threading.Event(), asyncio.Event(), {}

    async def stand():
        async with Simulator() as simulator:
            here.update(url=simulator.control_url, loop=asyncio.get_running_loop())
            started.set()
            await stopped.wait()

    thread = threading.Thread(target=asyncio.run, args=(stand(),))
    thread.start()
    assert started.wait(10)
    settings.WA_SIMULATOR_CONTROL = here["url"]
    with ControlClient(here["url"]) as control:
        control.add_phone(JAKARTA)
        simulator_sample.make_phones(control)
        yield control
    here["loop"].call_soon_threadsafe(stopped.set)
    thread.join(10)


@pytest.fixture
def page(scene, control, settings):
    """`page.get()` draws it, `page.do(...)` presses a button; as ADMIN, in Indonesian."""
    from config import urls

    settings.ROOT_URLCONF = (*urls.urlpatterns, *simulator_urlpatterns)

    class Page:
        client = Client(headers={"Accept": "application/json"})

        def get(self, path="/simulator/rows"):
            answer = self.client.get(path)
            assert answer.status_code == 200
            return answer.content.decode()

        def do(self, do, phone):
            answer = self.client.post("/simulator/recipient", {"do": do, "phone": phone})
            return answer.status_code, answer.json()["message"]

    Page.client.cookies["sessionid"] = session_of(scene.cast.adi)
    return Page()


def person(html, number):
    """The drawing of one phone."""
    return html.split(f'data-row="{number}"')[1].split("</li>")[0]


@pytest.mark.django_db
def test_phones_show_what_came_as_text_and_answer(page, control, scene: Scene):
    assert "Belum ada pesan." in person(page.get(), ANI.number)
    control.send_text(JAKARTA, ANI.number, "Halo <b>Ani</b> & kawan")
    drawn = person(page.get(), ANI.number)
    assert "Halo &lt;b&gt;Ani&lt;/b&gt; &amp; kawan" in drawn
    assert scene.cast.jakarta.name in drawn
    assert ANI.name in drawn
    assert "+62 857-1234-0001" in drawn
    assert page.do("stop", ANI.number) == (200, "+62 857-1234-0001 membalas: STOP")
    assert page.do("thanks", ANI.number)[0] == 200
    assert [message["text"] for message in control.inbox(JAKARTA)] == ["STOP", "Terima kasih"]
    drawn = person(page.get(), ANI.number)
    assert drawn.index("kawan") < drawn.index("STOP</p>") < drawn.index("Terima kasih</p>")


@pytest.mark.django_db
def test_a_phone_that_is_off_gets_its_messages_later(page, control):
    control.send_text(JAKARTA, YANTO.number, "Halo")
    drawn = person(page.get(), YANTO.number)
    assert "1 pesan menunggu" in drawn
    assert "Mati" in drawn
    assert "Halo" not in drawn
    assert 'value="stop"' not in drawn
    assert page.do("on", YANTO.number)[0] == 200
    assert "Halo" in person(page.get(), YANTO.number)
    assert page.do("off", YANTO.number)[0] == 200
    assert 'value="on"' in person(page.get(), YANTO.number)


@pytest.mark.django_db
def test_what_makes_no_sense_is_said(page):
    assert page.do("stop", ANI.number) == (409, "HP ini belum menerima pesan untuk dibalas.")
    assert page.do("off", "6281999999999")[0] == 409
    assert page.client.post("/simulator/recipient", {"do": "explode", "phone": ANI.number}).status_code == 403


@pytest.mark.django_db
def test_thousands_of_recipients_are_a_page_of_thirty(page, control):
    control.add_recipients(2000)
    control.send_text(JAKARTA, "6285500001999", "Halo")
    html = page.get()
    assert html.count('class="phone person"') == 30
    assert "30 terbaru dari 2024." in html
    assert "Halo" in person(html, "6285500001999")


@pytest.mark.django_db
def test_the_sample_can_be_pasted_as_it_stands(page):
    html = page.get("/simulator")
    assert simulator_sample.csv().replace("&", "&amp;") in html
    parsed = parse_text(simulator_sample.csv(), required=["name", "poin"])
    assert parsed.problems == []
    assert [row.phone for row in parsed.rows] == [each.number for each in simulator_sample.PEOPLE]
    rows = list(csv.DictReader(io.StringIO(simulator_sample.csv())))
    assert [row["name"] for row in rows] == [each.name for each in simulator_sample.PEOPLE]
    assert sum(not each.has_phone for each in simulator_sample.PEOPLE) == 1


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_messages_arrive_while_one_looks(page, control, visit, scene: Scene):
    visitor = visit(scene.cast.adi, language="id")
    here = visitor.go("/simulator")
    ani, text = here.locator(f'[data-row="{ANI.number}"]'), "<i>Halo</i> " + "panjang" * 30
    control.send_text(JAKARTA, ANI.number, text)
    ani.get_by_text(text).wait_for()
    ani.get_by_role("button", name="Balas STOP").click()
    ani.get_by_text("STOP", exact=True).wait_for()
    control.add_recipients(10)
    control.send_text(JAKARTA, "6285500000007", "Halo")
    here.locator('.people [data-row="6285500000007"]').get_by_text("Halo").wait_for()
    assert here.locator(".people [data-row]").count() == 30
    assert here.locator(".phones:not(.people) [data-row]").count() == 5
    here.get_by_role("button", name="Salin daftar").click()
    assert here.evaluate("getSelection().toString()") == simulator_sample.csv()
    small = "part => part.checkVisibility() && part.getBoundingClientRect().height < 43.5 && part.outerHTML"
    for size in (DESK, PHONE):
        here.set_viewport_size(size)
        assert visitor.width_beyond() == 0
        assert here.evaluate(f"() => [...document.querySelectorAll('main button')].map({small}).filter(Boolean)") == []
    assert visitor.complaints == []


def test_files_are_named_and_long_texts_are_cut(settings):
    settings.ROOT_URLCONF = tuple(simulator_urlpatterns)
    message = {"message_id": "3EB0", "sender": JAKARTA, "at": 1_790_000_000.0, "problem": "", "mimetype": ""}
    files = [
        {**message, "kind": "document", "file_name": "harga <1>.pdf", "text": None},
        {**message, "kind": "image", "file_name": "", "text": "x" * 5000, "problem": "no such file was uploaded"},
    ]
    row = {"number": ANI.number, "name": "<i>", "network": True, "waiting": 0, "messages": files}
    control = SimpleNamespace(recipients=lambda **_: ([row], 1))
    drawn = render_to_string("simulator/_recipients.html", simulator_recipients.recipients(control, {}))
    assert "harga &lt;1&gt;.pdf" in drawn
    assert "Dokumen" in drawn
    assert "Gambar (tidak bisa dibuka)" in drawn
    assert "+62 877-8898-7745" in drawn
    assert "<i>" not in drawn
    assert drawn.count("x") < 700
