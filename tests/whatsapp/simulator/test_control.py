"""Steering a simulator from another process."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from websockets.sync.client import connect

from tests.whatsapp.simulator.raw_client import RawClient
from whatsapp.simulator import Simulator, SimulatorError
from whatsapp.simulator.control import ControlClient
from whatsapp.simulator.control_server import VERBS
from whatsapp.simulator.exceptions import Trouble

NUMBER = "6287788987745"


class Control:
    """A ControlClient in a thread, awaited from the simulator's own loop: `await control.scan(…)`."""

    def __init__(self, client: ControlClient) -> None:
        self._client = client

    def __getattr__(self, verb: str) -> Any:
        method = getattr(self._client, verb)
        return lambda *args, **kwargs: asyncio.to_thread(method, *args, **kwargs)


@pytest.fixture
async def control(simulator: Simulator) -> AsyncIterator[Control]:
    client = await asyncio.to_thread(ControlClient, simulator.control_url)
    yield Control(client)
    await asyncio.to_thread(client.close)


def test_the_client_has_a_method_for_every_verb() -> None:
    assert [verb for verb in VERBS if not callable(getattr(ControlClient, verb, None))] == []


async def test_it_adds_phones_and_tells_their_state(simulator: Simulator, control: Control) -> None:
    added = await control.add_phone(NUMBER, "Toko <b>")
    assert (added["number"], added["name"], added["network"], added["online"]) == (NUMBER, "Toko <b>", True, False)
    (credentials,) = await control.link_directly([NUMBER], device_name="Gerai", pre_keys=7)
    await RawClient.log_in(simulator, credentials)
    await control.network(NUMBER, False)
    (row,) = await control.phones()
    assert (row["network"], row["online"]) == (False, True)
    assert row["devices"][0]["device"] == 1
    assert (row["devices"][0]["name"], row["devices"][0]["online"], row["devices"][0]["pre_keys"]) == ("Gerai", True, 7)
    with pytest.raises(SimulatorError, match="no network"):
        await control.unlink(NUMBER)


async def test_it_scans_and_unlinks(simulator: Simulator, control: Control) -> None:
    await control.add_phone(NUMBER)
    client, announced = await RawClient.register(simulator)
    scan = asyncio.create_task(control.scan(NUMBER, client.qr(announced)))
    answer = client.sign(await client.receive())
    await client.send(answer.tag, answer.attrs, answer.content)
    assert await scan == 1
    assert await control.unlink(NUMBER) == [1]
    with pytest.raises(SimulatorError, match="no WhatsApp QR code"):
        await control.scan(NUMBER, "nonsense")
    with pytest.raises(SimulatorError, match="No device is waiting"):
        await control.enter_code(NUMBER, "ABCD-EFGH")
    with pytest.raises(SimulatorError, match="no phone"):
        await control.scan("6281111111", "nonsense")


async def test_what_people_may_meet_has_a_code_for_other_languages(simulator: Simulator, control: Control) -> None:
    for _ in range(4):
        simulator.link_directly(NUMBER)
    for order, trouble, detail in (
        (control.enter_code(NUMBER, "x"), Trouble.NO_CODE, {}),
        (control.unlink(NUMBER, 9), Trouble.NO_DEVICE, {"number": 9}),
    ):
        with pytest.raises(SimulatorError) as raised:
            await order
        assert (raised.value.trouble, raised.value.detail) == (trouble, detail)
        assert str(raised.value) == trouble.value % detail
    with pytest.raises(SimulatorError, match="no phone") as raised:
        await control.scan("6281111111", "nonsense")
    assert raised.value.trouble is None, "a mistake of who gave the order"


async def test_it_orders_faults_and_lifts_them(simulator: Simulator, control: Control) -> None:
    (credentials,) = await control.link_directly([NUMBER])
    client = await RawClient.log_in(simulator, credentials)
    fault = await control.fault("black_hole", NUMBER)
    assert (fault["kind"], fault["stage"]) == ("black_hole", "login")
    assert await control.faults() == [fault]
    assert await control.lift(fault_id=fault["fault_id"]) == 1
    await control.fault("stream_error", NUMBER, code=503)
    assert (await client.receive()).attr("code") == "503"
    with pytest.raises(SimulatorError, match="no such fault"):
        await control.fault("nonsense")
    assert (await control.counts(NUMBER))["logins"] == 1
    assert (await control.counts_of([NUMBER, "628"]))[NUMBER]["dials"] == 1
    simulator.ledger.mistake("odd", NUMBER, 1)
    assert [mistake["reason"] for mistake in await control.mistakes(NUMBER)] == ["odd"]
    await control.reset(phones=True)
    assert await control.mistakes() == []
    assert await control.phones() == []


async def test_it_pings_and_sends(simulator: Simulator, control: Control) -> None:
    (credentials,) = await control.link_directly([NUMBER])
    client = await RawClient.log_in(simulator, credentials)
    assert not await control.ping(NUMBER, timeout_s=0.05)
    await client.receive()
    inside = {"tag": "b", "content": {"base64": "AAE="}}
    node = {"tag": "ib", "attrs": {"from": "@s.whatsapp.net"}, "content": [{"tag": "a", "content": "x"}, inside]}
    for how in ("plain", "compressed"):
        await control.send(NUMBER, node, how)
        said = await client.receive()
        assert [(child.tag, child.data) for child in said.children()] == [("a", b"x"), ("b", b"\0\1")]
    with pytest.raises(SimulatorError, match="pieces"):
        await control.send(NUMBER, node, "upside down")


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ("not JSON", "JSON object"),
        ("[]", "JSON object"),
        ('{"do": "dance"}', "Nothing is called 'dance'"),
        ('{"do": "scan"}', "needs 'number'"),
        ('{"do": "add_phone", "number": "x"}', "no number"),
        ('{"do": "link_directly", "number": "6281111111", "pre_keys": {}}', "does not take that"),
        ('{"do": "send", "number": "6281111111", "node": 5}', "does not take that"),
        ('{"do": "lift", "kind": "nonsense"}', "does not take that"),
    ],
)
async def test_a_wrong_order_gets_a_sentence(simulator: Simulator, order: str, said: str) -> None:
    simulator.add_phone("6281111111")

    def ask() -> dict[str, Any]:
        with connect(simulator.control_url) as connection:
            connection.send(order)
            return dict(json.loads(connection.recv(timeout=5)))

    answer = await asyncio.to_thread(ask)
    assert answer["ok"] is False
    assert said in answer["error"]


def test_nobody_there_is_said_in_a_sentence() -> None:
    with pytest.raises(SimulatorError, match="cannot be reached"):
        ControlClient("ws://127.0.0.1:9/control")


@pytest.fixture(params=[["-m", "whatsapp.simulator"], ["manage.py", "simulator"]], ids=["module", "command"])
def process(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    arguments = [*request.param, "--root-seed", "demo", "--refs", "2", "--phone", f"{NUMBER}=Toko Jakarta"]
    program = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    yield json.loads(program.stdout.readline())
    program.send_signal(signal.SIGTERM)
    assert program.wait(10) == 0
    program.stdout.close()


def test_it_runs_as_a_process_of_its_own(process: dict[str, str]) -> None:
    assert process["root_key"] == Simulator(root_seed="demo").root_key.hex()
    for url in (process["control"], process["url"].replace("/ws/chat", "/control")):
        with ControlClient(url) as control:
            assert control.info() == {"url": process["url"], "root_key": process["root_key"], "qr_refs": 2}
            assert [phone["name"] for phone in control.phones()] == ["Toko Jakarta"]
