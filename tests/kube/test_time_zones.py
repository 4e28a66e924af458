"""Time zones of a CronJob: what our check takes is what a real API server takes."""

import asyncio
import re
from zoneinfo import available_timezones

import pytest
from pydantic import TypeAdapter, ValidationError

from autox.api.fields import TimeZone
from autox.kube.client import KubeClient
from autox.model.errors import InvalidError
from autox.model.refs import CRON_JOBS
from tests.kube.test_schedules import cron_job

TAKEN = TypeAdapter(TimeZone)
PATTERN = re.compile(TAKEN.json_schema()["pattern"])

GOOD = [
    "UTC", "Etc/UTC", "GMT", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "Etc/GMT-14", "EST5EDT",
    "Asia/Kolkata", "Asia/Calcutta", "US/Pacific", "America/Port-au-Prince", "Zulu", "GMT0", "W-SU",
    "Antarctica/McMurdo",
]  # fmt: skip
REFUSED = [
    "", " ", "Local", "local", "LOCAL", "Europe/Berln", "europe/berlin", "Europe/BERLIN", "utc", "Europe", "Europe/",
    "/Europe/Berlin", "Europe//Berlin", ".", "..", "../UTC", "Europe/../UTC", "./UTC", "-UTC", "Etc/-5", "+02:00",
    "UTC+2", "GMT+2", "CEST", "PDT", "Berlin", "Europe/Berlin ", " UTC", "Europe Berlin", "Europe\\Berlin",
    "Europe/Berlin\n",
    "America/Argentina/Buenos_Aires_of_today", "Z", "tzdata.zi", "zone.tab", "/etc/localtime", "TZ=UTC", "Asia/Tōkyō",
]  # fmt: skip
"""Names that people write, paths that Go must not follow, and files that lie beside those of zones."""


def is_taken(name: str) -> bool:
    """Whether our check takes it."""
    try:
        TAKEN.validate_python(name)
    except ValidationError:
        return False
    return True


@pytest.mark.integration
async def test_an_api_server_agrees(kube: KubeClient, namespace: str) -> None:
    """A wrong time zone is told where it is made; the API server's word on it came when a version was to be tested."""
    gate = asyncio.Semaphore(8)
    names = [*GOOD, *REFUSED, *sorted(available_timezones())[::20]]

    async def is_served(name: str) -> bool:
        body = cron_job("@daily", namespace)
        body["spec"]["timeZone"] = name
        async with gate:
            try:
                await kube.create(CRON_JOBS, body)
            except InvalidError:
                return False
        return True

    served = await asyncio.gather(*map(is_served, names))
    assert [(name, theirs) for name, theirs in zip(names, served, strict=True) if is_taken(name) is not theirs] == []


@pytest.mark.parametrize("name", GOOD)
def test_a_zone_is_taken(name: str) -> None:
    """In a group and, by its looks, in the chart."""
    assert is_taken(name)
    assert PATTERN.search(name)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_zone(name: str) -> None:
    """What no API server takes is refused, and nothing of it is repeated."""
    with pytest.raises(ValidationError) as refused:
        TAKEN.validate_python(name)

    assert "Europe/Berlin" in str(refused.value.errors()[0]["msg"])
