"""Cron schedules: what our check takes is what a real API server takes, and what its controller really runs."""

import asyncio
import random
import re
from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from autox.api.fields import CronSchedule
from autox.core.formats import schedule
from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.model.errors import InvalidError
from autox.model.refs import CRON_JOBS
from tests.clusters import LocalCluster, wait_for

TAKEN = TypeAdapter(CronSchedule)
TEMPLATE = {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "x"}]}}

GOOD = [
    "* * * * *", "*/15 0-6 1,15 * MON-FRI", "0 0 31 12 6", "5/10 * ? jan Sun", "59 23 * * 0", "00 09 * * 1-5/2",
    "0 0 29 2 *", "0 0 29 feb ?", "0 0 30 2 1", "0 0 31 2,3 *", "0 0 31 2 */2", "0 0 */30 2 *", "0 0 30,31,1 2 *",
    "*/90 * * * *", "0/90 * * * *", "*-5 * * * *", "*-5/20 * * * *", "*-x * * * *", "? ? ? ? ?", "1,,2 * * * *",
    ",5, * * * *", "+5 * * * *", "007 * * * *", "*/+2 * * * *", "*/007 * * * *", "0 0 * jAn-dEc sUn-sAt",
    "0 0 * * mon-5", "* *  * *\t*", " 0 0 * * * ", "*/5 * * * *\n", "0 0 1-7 * 1", "5-5 * * * *",
    "@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually",
    "@every 1h30m", "@every 60s", "@every 90s", "@every 1m", "@every 1.5m", "@every .5h", "@every 1.h", "@every +5m",
    "@every 60000ms", "@every 43000h", "@every 1h0s", "@every 0h1m", "@every 1m0.5s",
]  # fmt: skip
"""A CronJob takes these and runs by them."""

REFUSED = [
    "", " ", "* * * *", "* * * * * *", "0 0 * * * 2026", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *",
    "* * * 13 *", "* * * 0 *", "* * * * 7", "0 0 * * 1-7", "*/0 * * * *", "*/-5 * * * *", "*/ * * * *",
    "30-10 * * * *", "0 0 * * FRI-MON", "0 0 * dec-jan *", "0 0 * nov-2 *", "0 0 * * sat-sun", "22-6 * * * *",
    "0 22-6 * * *", "0 0 28-3 * *", "5-3/2 * * * *", "1-2-3 * * * *", "1/2/3 * * * *", "5- * * * *", "-5 * * * *",
    "0 0 L * *", "0 0 * * 5L", "0 0 * * 1#2", "0 0 15W * *", "H * * * *", "H/15 * * * *", "0 0 * january *",
    "0 0 * * monday", "1e1 * * * *", "0x5 * * * *", "1_0 * * * *", "\uff11 * * * *", "1.5 * * * *", "*5 * * * *",
    "** * * * *", "~ * * * *", "%2 * * * *", "@Daily", "@reboot", "@every", "@every ", "@every 5", "@every 1h ",
    "@every  1h", "@every 1d", "@every 1w", "@every one hour", "@every 1h-30m", "@every 1e3s", "@every .h",
    "@every 99999999999999h", "@every 2562048h", "@every 1H", "@secondly", "@hourly ", " @hourly", "hourly",
    "@ hourly", "TZ=UTC * * * * *", "CRON_TZ=Europe/Berlin 0 6 * * *", "0 6 * * * TZ", "every hour",
    "99999999999999999999 * * * *", "*/99999999999999999999 * * * *", "* * * * *;", "'* * * * *'",
]  # fmt: skip
"""The API server refuses these."""

NEVER = [
    "0 0 31 2 *", "0 0 30 2 *", "0 0 30 feb *", "0 0 31 4,6,9,11 *", "0 0 31 apr ?", "0 0 30-31 2 *", "0 0 31 2 */1",
    "0 0 31 2,4 *", "*/5 * 31 11 *", "0 0 31/2 6 *", "0 0 031 02 *", "0 0 31 6-6 *", ", * * * *", "0 ,, * * *",
    "0 0 , * ,", "0 0 * , *", "@every 43830h", "@every 2562047h",
]  # fmt: skip
"""The API server takes these, and no Job ever comes."""

TOO_OFTEN = [
    "@every 30s", "@every 59s", "@every 59.9s", "@every 100ms", "@every 0s", "@every 0", "@every -5s", "@every -1h",
    "@every 1ns", "@every 5µs", "@every 0h0m1s",
]  # fmt: skip
"""The API server takes these, and Jobs come once a minute."""


def generated(count: int) -> list[str]:
    """Schedules made of pieces that mean something and pieces that do not; the same ones each time."""
    dice = random.Random(13)  # noqa: S311  - the same each time
    numbers = ["0", "1", "5", "6", "+3", "05"]
    values = [
        numbers,
        [*numbers, "23"],
        ["1", "29", "30", "31"],
        ["2", "4", "feb", "Jun", "12"],
        [*numbers, "MON", "sat"],
    ]
    strange = ["x", "7", "60", "32", "13", "0", "", "fri"]

    def value(place: int) -> str:
        return dice.choice(strange if dice.random() < 0.03 else values[place % 5])

    def part(place: int) -> str:
        low = dice.choice(["*", "?", *(value(place) for _ in range(4))])
        high = f"-{value(place)}" if dice.random() < 0.15 else ""
        step = f"/{dice.choice(['1', '2', '15', '90', '+3'] * 4 + ['0', '-1'])}" if dice.random() < 0.2 else ""
        return low + high + step

    def field(place: int) -> str:
        return ",".join(part(place) for _ in range(dice.choice([1, 1, 1, 1, 2, 3])))

    return [" ".join(map(field, range(dice.choice([5] * 19 + [4, 6])))) for _ in range(count)]


def cron_job(text: str, namespace: str) -> Object:
    """A CronJob that runs nothing of use."""
    spec = {"schedule": text, "jobTemplate": {"spec": {"template": TEMPLATE}}}
    return {"metadata": {"generateName": "tried-", "namespace": namespace}, "spec": spec}


async def is_served(kube: KubeClient, namespace: str, text: str) -> bool:
    """Whether the API server takes a CronJob of this schedule."""
    try:
        await kube.create(CRON_JOBS, cron_job(text, namespace))
    except InvalidError:
        return False
    return True


def is_taken(text: str) -> bool:
    """Whether our check takes it."""
    try:
        TAKEN.validate_python(text)
    except ValidationError:
        return False
    return True


def is_schedule(text: str) -> bool:
    """Whether we read it as a schedule, be it one that never comes."""
    try:
        schedule.parse(text)
    except ValueError:
        return False
    return True


@pytest.mark.integration
async def test_an_api_server_agrees(kube: KubeClient, namespace: str) -> None:
    """FRI-MON, dec-jan and endless intervals passed our check and failed in Helm; */90 is taken and was refused."""
    texts = [*GOOD, *REFUSED, *NEVER, *TOO_OFTEN, *generated(600)]
    gate = asyncio.Semaphore(8)

    async def ask(text: str) -> bool:
        async with gate:
            return await is_served(kube, namespace, text)

    served = await asyncio.gather(*map(ask, texts))
    assert 200 < sum(served) < len(served) - 200
    assert [(text, theirs) for text, theirs in zip(texts, served, strict=True) if is_schedule(text) is not theirs] == []


@pytest.mark.integration
def test_a_controller_agrees(cluster: LocalCluster) -> None:
    """Schedules that never come passed our check, and only an Event of the CronJob said so."""
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "schedules"}})
    tried = [text for text in [*GOOD, *NEVER] if text[0] != "@" and " 0 " in text]
    bodies = [cron_job(text, "schedules") for text in tried]
    kind = {"apiVersion": "batch/v1", "kind": "CronJob"}
    cluster.apply(*({**kind, **each, "metadata": names(number)} for number, each in enumerate(bodies)))

    def complained() -> set[int]:
        events = cluster.get("events", "-n", "schedules", "--field-selector", "reason=InvalidSchedule")["items"]
        return {int(each["involvedObject"]["name"].removeprefix("tried-")) for each in events}

    never = {number for number, text in enumerate(tried) if schedule.flaw(text)}
    assert {tried[number] for number in never} == set(tried) & set(NEVER)
    assert len(never) > 5
    wait_for("the controller's word on each", lambda: complained() >= never)
    assert complained() == never
    cluster.kubectl("delete", "namespace", "schedules", "--wait=false")


def names(number: int) -> Object:
    """The metadata of a CronJob by its number."""
    return {"name": f"tried-{number}", "namespace": "schedules"}


@pytest.mark.parametrize("text", GOOD)
def test_a_schedule_is_taken(text: str) -> None:
    """What a CronJob runs by is taken, in the group, in the chart and by our own reading alike."""
    assert is_taken(text)
    assert re.search(f"^({schedule.PATTERN})$", text)
    assert not re.search(f"^({schedule.NEVER}|{schedule.TOO_OFTEN}|{schedule.BACKWARDS})$", text)


@pytest.mark.parametrize("text", [*REFUSED, *NEVER, *TOO_OFTEN])
def test_no_schedule_is_taken(text: str) -> None:
    """What no CronJob runs by is refused where it stands; FRI-MON, the 31st of February and @every 30s were taken."""
    assert not is_taken(text)


def test_whatever_is_generated_fits_one_reading() -> None:
    """The pattern that Helm knows refuses nothing that our own reading takes."""
    wrong = re.compile(f"^({schedule.NEVER}|{schedule.TOO_OFTEN}|{schedule.BACKWARDS})$")
    for text in generated(3000):
        assert not (wrong.search(text) and is_taken(text)), text
        assert is_taken(text) is (schedule.flaw(text) == ""), text


@pytest.mark.parametrize("text", NEVER[:9])
def test_helm_alone_finds_what_never_comes(text: str) -> None:
    """Who installs the chart without a controller is told too, as such times are mostly written."""
    known = re.search(f"^({schedule.NEVER})$", text)
    assert known or text in ("0 0 31 2 */1", "0 0 30-31 2 *")


@pytest.mark.parametrize(
    ("text", "moment", "comes"),
    [
        ("* * * * *", "2026-11-29 12:00:30", "2026-11-29 12:01"),
        ("0 0 29 2 *", "2024-03-01 00:00", "2028-02-29 00:00"),
        ("30 6 * * 1-5", "2026-11-27 06:30", "2026-11-30 06:30"),
        ("0 0 13 * 5", "2026-11-29 00:00", "2026-12-04 00:00"),
        ("0 0 13 * *", "2026-11-29 00:00", "2026-12-13 00:00"),
        ("@yearly", "2026-11-29 00:00", "2027-01-01 00:00"),
        ("@every 90s", "2026-11-29 00:00", "2026-11-29 00:01:30"),
    ],
)
def test_when_a_schedule_comes_next(text: str, moment: str, comes: str) -> None:
    """Either day is enough where both are given, and a leap year is waited for."""
    found = schedule.parse(text).after(datetime.fromisoformat(moment).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(comes).replace(tzinfo=UTC)
