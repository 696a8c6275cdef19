"""Rows of a blast on disk: claimed, written and imported, beside the plain way.

    python -m bench.programs.blast_rows steps <rows> <repeats>      {"ours": [steps/s…], "plain": [steps/s…]}
    python -m bench.programs.blast_rows import <rows> <repeats>     {"ours": [s…], "bare": [s…]}

A step is a claim or an outcome of one row that is on disk. Ours are those of 20 outlets, through the group commit as
the senders use it; the plain way is one conditional UPDATE and one commit for each, in one thread.
"""

import asyncio
import csv
import io
import json
import sys
import time
from datetime import UTC, datetime

import django

django.setup()

from django.core.management import call_command  # noqa: E402

from accounts.models import Role, User  # noqa: E402
from blast import importing, services  # noqa: E402
from blast.claims import Claim, Outcome, claims_write, outcomes_write  # noqa: E402
from blast.models import Blast, Recipient  # noqa: E402
from blast.recipients import Row  # noqa: E402
from blast.sender import AHEAD  # noqa: E402
from blast.states import RecipientStatus  # noqa: E402
from outlets.models import Outlet  # noqa: E402
from wa_sessions.group import GroupCommit  # noqa: E402
from wa_sessions.models import WhatsAppSession  # noqa: E402
from wa_sessions.ownership import Ownership  # noqa: E402

OUTLETS = 20
OURS = Ownership("bench", 1)
BODY = "Halo {name}! Diskon {potongan} di {kota}."


def fill() -> tuple[User, list[Outlet]]:
    outlets = Outlet.objects.bulk_create(
        Outlet(name=f"Outlet {place:02d}", whatsapp_number=f"62811{place:08d}") for place in range(OUTLETS)
    )
    WhatsAppSession.objects.bulk_create(
        WhatsAppSession(
            outlet=outlet, owner=OURS.owner, epoch=OURS.epoch, jid=f"{outlet.whatsapp_number}:1@s.whatsapp.net"
        )
        for outlet in outlets
    )
    return User.objects.create_user("adi", role=Role.ADMIN), outlets


def running(user: User, outlets: list[Outlet], count: int) -> Blast:
    rows = [Row(n, f"62855{n:08d}", f"Orang {n}") for n in range(1, count + 1)]
    blast = services.blast_create(user, name="Bench", body="Halo {name}!", outlets=outlets, rows=rows)
    return services.blast_start(blast, user)


async def _ours(blast: Blast, outlets: list[Outlet]) -> float:
    group = GroupCommit()
    task = asyncio.create_task(group.run())

    async def outlet_sends(outlet: int) -> None:
        while rows := await group.write(claims_write, Claim(outlet, OURS, blast.pk, AHEAD, datetime.now(UTC))):
            written = [
                group.submit(
                    outcomes_write,
                    Outcome(row.pk, outlet, row.phone, OURS, RecipientStatus.SENT, datetime.now(UTC)),
                )
                for row in rows
            ]
            await asyncio.wait(written)

    began = time.perf_counter()
    await asyncio.gather(*(outlet_sends(outlet.pk) for outlet in outlets))
    seconds = time.perf_counter() - began
    task.cancel()
    return seconds


def _plain(blast: Blast) -> float:
    pks = list(Recipient.objects.filter(blast=blast).values_list("pk", flat=True))
    began = time.perf_counter()
    for pk in pks:
        now = datetime.now(UTC)
        claim = Recipient.objects.filter(pk=pk, status="QUEUED")
        claim.update(status="SENDING", owner=OURS.owner, epoch=OURS.epoch, claimed_at=now)
        Recipient.objects.filter(pk=pk, status="SENDING").update(status="SENT", sent_at=now)
    return time.perf_counter() - began


def _sent(blast: Blast, count: int) -> None:
    assert Recipient.objects.filter(blast=blast, status="SENT").count() == count
    Recipient.objects.filter(blast=blast).delete()


def measure_steps(count: int, repeats: int) -> dict[str, list[float]]:
    user, outlets = fill()
    runs: dict[str, list[float]] = {"ours": [], "plain": []}
    for _ in range(repeats):
        blast = running(user, outlets, count)
        runs["ours"].append(2 * count / asyncio.run(_ours(blast, outlets)))
        _sent(blast, count)
        blast = running(user, outlets, count)
        runs["plain"].append(2 * count / _plain(blast))
        _sent(blast, count)
    return runs


def measure_import(count: int, repeats: int) -> dict[str, list[float]]:
    user, outlets = fill()
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(("phone", "name", "potongan", "kota"))
    writer.writerows((f"0855{n:08d}", f"Orang {n}", f"{n % 50}%", "Jakarta") for n in range(count))
    data = file.getvalue().encode()

    def ours() -> Blast:
        rows = importing.usable(
            importing.read_file(data, "people.csv", BODY), confirms_foreign=False, leaves_out_bad=False
        )
        return services.blast_create(user, name="Ours", body=BODY, outlets=outlets, rows=rows)

    def bare() -> Blast:
        blast = Blast.objects.create(name="Bare", body=BODY, created_by=user)
        lines = csv.DictReader(io.StringIO(data.decode()))
        Recipient.objects.bulk_create(
            (
                Recipient(
                    blast=blast,
                    line=line,
                    phone=f"62{cells['phone'][1:]}",
                    name=cells["name"],
                    variables={"potongan": cells["potongan"], "kota": cells["kota"]},
                    outlet=outlets[line % OUTLETS],
                )
                for line, cells in enumerate(lines, start=2)
            ),
            batch_size=2000,
        )
        return blast

    runs: dict[str, list[float]] = {"ours": [], "bare": []}
    for turn in range(repeats + 1):
        for name, way in (("ours", ours), ("bare", bare)):
            began = time.perf_counter()
            blast = way()
            if turn:  # the first one warms
                runs[name].append(time.perf_counter() - began)
            assert Recipient.objects.filter(blast=blast).count() == count
            Recipient.objects.filter(blast=blast).delete()
    return runs


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    measure = {"steps": measure_steps, "import": measure_import}[sys.argv[1]]
    print(json.dumps(measure(int(sys.argv[2]), int(sys.argv[3]))))
