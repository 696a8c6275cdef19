"""What composing a blast answers, without a browser."""

import pytest

FORM = {"name": "Promo", "text": "081234567890 Ani", "assignment": "EVEN", "on_unhealthy": "HOLD", "when": "now"}


@pytest.mark.parametrize("body", ["Halo {", "Halo }"])
def test_a_message_that_is_no_message_is_shown_again_with_its_mistake(browser_as, cast, body):
    form = {**FORM, "body": body, "outlets": [cast.jakarta.public_id], "do": "save"}
    response = browser_as(cast.jaka).post("/blast/new", form)
    assert (response.status_code, bool(response.context["form"].errors["body"])) == (200, True)


@pytest.mark.parametrize("at", ["2025-13-45T99:99", "9999-12-31T23:59", "0001-01-01T00:00:00+23:59"])
def test_a_time_that_is_none_is_left_out(browser_as, cast, at):
    form = {**FORM, "body": "Halo", "outlets": [cast.jakarta.public_id], "do": "save"}
    page = browser_as(cast.jaka)
    link = page.post("/blast/new", form).headers["Location"]
    assert page.get(link, {"at": at}).context["start_at"] == ""


def test_samples_that_are_no_text_are_left_out(browser_as, cast):
    samples = '[["\\ud800", "a", {}]]'
    response = browser_as(cast.jaka).post("/blast/preview", {"body": "Halo {name}", "samples": samples})
    assert response.status_code == 200


def test_of_no_list_nothing_is_said(browser_as, cast):
    response = browser_as(cast.jaka).post("/blast/check", {"text": ""})
    assert (response.status_code, response.content) == (200, b"")
