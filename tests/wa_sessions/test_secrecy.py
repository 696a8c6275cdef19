"""No secret in any log line, at any level, whatever happens; and none in what a dataclass says of itself."""

import base64
import dataclasses
import logging
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.test import Client

from accounts.models import ApiToken, User
from tests.cast import PASSWORD
from tests.conftest import Api
from tests.wa_sessions.house import open_house
from wa_sessions import selectors, services
from wa_sessions.credential_store import load_dump
from wa_sessions.models import Credential, PreKey, WhatsAppSession
from wa_sessions.vault import unseal
from whatsapp.credentials import Credentials
from whatsapp.events import QrCode
from whatsapp.simulator import PhoneError

pytestmark = pytest.mark.django_db(transaction=True)

TYPO = "rahasia-sekali-43-salah-ketik"


class Everything(logging.Handler):
    """Keeps every record of every logger, as each formatter could ever show it."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = logging.Formatter("%(name)s %(levelname)s %(message)s").format(record)
        self.lines.append(f"{line} {record.args!r} {record.__dict__!r}")


@pytest.fixture
def heard(monkeypatch):
    """All loggers at DEBUG, also those that are made later, and those that pass nothing on."""
    handler = Everything()
    loggers = [logging.getLogger()]
    loggers += [each for each in logging.Logger.manager.loggerDict.values() if isinstance(each, logging.Logger)]
    kept = [(each, each.level, each.propagate, each.disabled) for each in loggers]
    for each in loggers:
        each.setLevel(logging.DEBUG)
        each.propagate, each.disabled = True, False
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)
    for each, level, propagate, disabled in kept:
        each.setLevel(level)
        each.propagate, each.disabled = propagate, disabled


def spellings(secret: bytes | str) -> set[str]:
    """How a log line could spell it."""
    if isinstance(secret, str):
        return {secret, quote(secret, safe=""), repr(secret.encode())[2:-1]}
    return {
        secret.hex(),
        secret.hex(" "),
        base64.b64encode(secret).decode(),
        base64.urlsafe_b64encode(secret).decode(),
        repr(secret)[2:-1],
    }


def of_credentials(keys: Credentials) -> dict[str, bytes]:
    names = ("noise_private", "identity_private", "signed_pre_key_private", "adv_secret", "signed_device_identity")
    return {name: getattr(keys, name) for name in names}


def found_in(lines: list[str], secrets: dict[str, bytes | str]) -> set[tuple[str, str]]:
    """Names of secrets that leaked, and the logger that did it."""
    leaks = set()
    for name, secret in secrets.items():
        assert len(secret) >= 8, f"{name} is too short to look for"
        for spelling in spellings(secret):
            leaks |= {(name, line.partition(" ")[0]) for line in lines if spelling in line}
    return leaks


async def test_it_logs_no_secret_at_any_level(heard):
    secrets: dict[str, bytes | str] = {"password": PASSWORD, "wrong password": TYPO, "SECRET_KEY": settings.SECRET_KEY}
    secrets |= {f"CREDENTIAL_KEYS {number}": key for number, key in enumerate(settings.CREDENTIAL_KEYS)}
    async with open_house(qr_first_s=0.4, qr_next_s=0.4) as house:
        jakarta, bandung, medan = house.cast.jakarta, house.cast.bandung, house.cast.medan

        # By QR; by a code, with a wrong one first; and one that nobody scans.
        house.simulator.add_phone(jakarta.whatsapp_number)
        await house.ask(services.session_connect, jakarta)
        await house.ask(services.session_connect, medan)
        qr = (await house.until(lambda: selectors.qr_of(jakarta))).text
        secrets |= {f"QR part {number}": part for number, part in enumerate(qr.split(",")) if len(part) > 8}
        secrets["QR of Medan"] = (await house.until(lambda: selectors.qr_of(medan))).text.split(",")[0]
        await house.simulator.phone(jakarta.whatsapp_number).scan(qr)
        phone = house.simulator.add_phone(bandung.whatsapp_number)
        await house.ask(services.session_connect, bandung, by_code=True)
        code = await house.until(lambda: selectors.pairing_code_of(bandung))
        secrets |= {"pairing code": code, "pairing code with a dash": f"{code[:4]}-{code[4:]}"}
        wrong = code[:-1] + ("1" if code[-1] != "1" else "2")
        with pytest.raises(PhoneError):
            await phone.enter_code(wrong, timeout_s=2)
        row = await sync_to_async(WhatsAppSession.objects.get)(pk=bandung.pk)
        if row.status != "CONNECTING":
            await house.ask(services.session_connect, bandung, by_code=True)
        code = await house.until(lambda: selectors.pairing_code_of(bandung))
        secrets["second pairing code"] = code
        await phone.enter_code(code)
        await house.becomes(jakarta, "CONNECTED")
        await house.becomes(bandung, "CONNECTED")
        secrets |= await sync_to_async(_keys_on_disk)()

        # What makes noise: faults, restarts, reads at DEBUG.
        for fault in ({"kind": "drop"}, {"kind": "stream_error", "code": 515}, {"kind": "garbage", "which": "node"}):
            logins = house.simulator.counts(jakarta.whatsapp_number).logins
            house.simulator.fault(number=jakarta.whatsapp_number, **fault)
            await house.until(lambda logins=logins: house.simulator.counts(jakarta.whatsapp_number).logins > logins)
            await house.becomes(jakarta, "CONNECTED")
        await house.status(jakarta)
        secrets |= await sync_to_async(_people)(house.cast.sari)
        await house.ask(services.session_unlink, jakarta)
        await house.becomes(jakarta, "DISCONNECTED")
        await house.becomes(medan, "TIMEOUT")
    assert {"wa_sessions", "whatsapp"} <= {line.partition(" ")[0].partition(".")[0] for line in heard.lines}
    assert len(secrets) > 25
    assert found_in(heard.lines, secrets) == set()


def _keys_on_disk() -> dict[str, bytes | str]:
    secrets: dict[str, bytes | str] = {}
    for credential in Credential.objects.all():
        keys = load_dump(unseal(credential.sealed))
        secrets |= {f"{credential.pk} {name}": value for name, value in of_credentials(keys).items()}
    for pre_key in PreKey.objects.all():
        secrets[f"pre-key {pre_key.pk}"] = unseal(pre_key.sealed)
    return secrets


def _people(sari: User) -> dict[str, bytes | str]:
    """Logins that work and that fail, with a page and with a token; every address with secrets in it or behind it."""
    browser = Client(enforce_csrf_checks=True)
    page = browser.get("/login")
    csrf = browser.cookies["csrftoken"].value
    form = {"username": "sari", "csrfmiddlewaretoken": csrf}
    browser.post("/login", {**form, "password": TYPO})
    browser.post("/login", {"username": "sari", "password": PASSWORD})  # without the form's token: refused
    answer = browser.post("/login", {**form, "password": PASSWORD})
    assert answer.status_code == 302, page.content
    secrets: dict[str, bytes | str] = {
        "csrf": csrf,
        "csrf after the login": browser.cookies["csrftoken"].value,
        "session": browser.cookies["sessionid"].value,
    }
    browser.get("/outlets")
    browser.get("/no-such-page")
    api = Client()
    assert api.post("/api/auth/token", {"username": "sari", "password": TYPO}, "application/json").status_code == 401
    answer = api.post("/api/auth/token", {"username": "sari", "password": PASSWORD}, "application/json")
    token = answer.json()["token"]
    secrets |= {"token": token, "another token": ApiToken.objects.issue(sari, lifetime=timedelta(days=1))[0]}
    by_token = Client(headers={"Authorization": f"Bearer {token}"})
    for path in ("/api/outlets/status", "/api/outlets/outlet_999999/qr", "/api/nothing"):
        by_token.get(path)
    Client(headers={"Authorization": f"Bearer {token}x"}).get("/api/outlets/status")
    by_token.post("/api/auth/token", "{not json " + PASSWORD, "application/json")
    by_token.delete("/api/auth/token")
    return secrets


def test_the_search_finds_what_it_looks_for(heard):
    logging.getLogger("a.logger.made.later").debug("key %r, pass %s", b"\x01secret-key", PASSWORD)
    secrets: dict[str, bytes | str] = {"key": b"\x01secret-key", "password": PASSWORD}
    assert {name for name, _ in found_in(heard.lines, secrets)} == {"key", "password"}


def test_no_dataclass_tells_its_secrets():
    from whatsapp.protocol.keys import new_credentials, new_pre_keys
    from whatsapp.protocol.linking import Linking
    from whatsapp.protocol.pairing import PairSuccess

    keys = dataclasses.replace(new_credentials(), signed_device_identity=b"identity-of-a-device", routing_info=b"r" * 9)
    pre_key = new_pre_keys(1, 1)[0]
    qr = "2@ref-of-the-server,noise,identity,secret"
    told = [
        repr(keys),
        str(keys),
        f"{pre_key}",
        repr(QrCode(qr, 20.0, False)),
        repr(selectors.Qr(qr, datetime.now(UTC))),
    ]
    for cls in (PairSuccess, Linking):
        if dataclasses.is_dataclass(cls):
            values = {field.name: keys if "credentials" in field.name else None for field in dataclasses.fields(cls)}
            told.append(repr(cls(**values)))
    secrets: dict[str, bytes | str] = {**of_credentials(keys), "pre-key": pre_key.private, "QR": qr}
    assert found_in(told, secrets) == set()


def test_rows_tell_no_secrets(cast):
    row = WhatsAppSession.objects.create(outlet=cast.jakarta, qr=b"sealed-qr-text", pairing_code=b"sealed-code")
    credential = Credential.objects.create(session=row, sealed=b"sealed-credentials")
    assert "sealed" not in f"{row!r} {row} {credential!r} {credential}"
    token = Api(cast.sari).token
    stored = ApiToken.objects.get()
    assert token not in f"{stored!r} {stored} {stored.__dict__}"
