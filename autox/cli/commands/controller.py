"""``autox controller``: watch triggers and launch experiments, in the foreground, as the chart's Deployment runs it.

This is where the controller meets its adapters: kopf, Helm and APScheduler.
"""

import asyncio
import logging
import os
import re
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import click

from autox.adapters.charts import packaged_charts
from autox.adapters.helm import HelmReleases
from autox.adapters.kopf_source import KopfSource
from autox.adapters.seat import Seat
from autox.adapters.timers import ApschedulerTimers
from autox.cli.parts.targeting import Target
from autox.controller.controller import Settings, run
from autox.kube.client import KubeClient
from autox.kube.connection import Connection
from autox.model.addresses import parse_address
from autox.model.errors import ConfigurationError

# A registry may have a port, and a tag a digest behind it.
_IMAGE = re.compile(
    r"(?P<repository>(?:[\w.-]+(?::\d+)?/)?[\w.-]+(?:/[\w.-]+)*)(?::(?P<tag>[\w.-]+(?:@[\w.:+-]+)?))?", re.ASCII
)


@click.command()
@click.option(
    "--listen", default="127.0.0.1:8081", show_default=True, metavar="ADDRESS:PORT", help="Where to answer probes."
)
@click.option("--namespace", metavar="NAME", help="The controller's own; default: its pod's, or its kubeconfig's.")
@click.option(
    "--charts",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIRECTORY",
    help="Charts that groups name without a repo; default: those that came with autox.",
)
@click.option(
    "--experiment-image",
    metavar="IMAGE[:TAG]",
    help="What experiments run whose values name no image; default: the one of the chart.",
)
@click.option(
    "--experiment-pull-policy",
    type=click.Choice(["Always", "IfNotPresent", "Never"]),
    default="IfNotPresent",
    show_default=True,
    help="When that image is pulled.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    envvar="AUTOX_LOG_LEVEL",
    help="How much to log; also AUTOX_LOG_LEVEL.",
)
def controller(
    *,
    listen: str,
    namespace: str | None,
    charts: Path | None,
    experiment_image: str | None,
    experiment_pull_policy: str,
    log_level: str,
) -> None:
    """Watch triggers and launch experiments until SIGTERM or Ctrl-C.

    In a pod it uses its service account, unless KUBECONFIG is set; elsewhere a kubeconfig.
    """
    address = parse_address(listen)
    defaults = {"image": _image(experiment_image, experiment_pull_policy)} if experiment_image else {}
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("autox").setLevel(log_level.upper())
    connection = Target().connection()
    seat = Seat.take(os.environ)
    settings = Settings(
        namespace=namespace or connection.namespace,
        identity=seat.identity,
        is_ended=seat.is_ended,
        host=address.host,
        port=address.port,
    )
    asyncio.run(_run(settings, connection, charts or packaged_charts(), defaults, seat))


def _image(text: str, pull_policy: str) -> dict[str, str]:
    """An image in the values of our charts."""
    found = _IMAGE.fullmatch(text)
    if found is None:
        raise ConfigurationError(f"{text[:80]!r} is no image", hint="it looks like registry.example:5000/autox:1.0")
    tagged = {"tag": found["tag"]} if found["tag"] else {}
    return {"repository": found["repository"], **tagged, "pullPolicy": pull_policy}


async def _run(
    settings: Settings, connection: Connection, charts: Path, defaults: Mapping[str, Any], seat: Seat
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    async with AsyncExitStack() as stack:
        kube = await stack.enter_async_context(KubeClient(connection))
        releases = await HelmReleases.open(kube, charts=charts, defaults=defaults, seat=seat)
        stack.push_async_callback(releases.close)
        await run(settings, kube, releases, KopfSource(kube), ApschedulerTimers(), stop=stop)
