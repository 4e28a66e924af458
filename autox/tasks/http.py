"""Task ``http``: HTTP load on one URL, and what its user would have felt.

A target that refuses, stalls or talks garbage is a finding: its requests are errors, and infinitely late, so that no
SLO on a latency that falls on one is met. A host that nobody knows is a failure of the task: nothing was tested.
``autox.load.http`` does the work; here it is told what to do, and ``httpfigures`` gives its figures names.
"""

import asyncio
from contextlib import suppress

from autox.core.loads.pacing import requests_within
from autox.load.http import HttpGenerator, HttpLoad
from autox.load.tally import unsendable
from autox.model.errors import AutoxError
from autox.model.tasks import HttpInputs
from autox.tasks.context import Findings, TaskContext
from autox.tasks.httpfigures import findings
from autox.tasks.resolving import resolve
from autox.wire.failures import ExchangeError, FailureKind
from autox.wire.requests import encode_request
from autox.wire.trust import system_trust
from autox.wire.urls import Url, parse_url

_SAY_SECONDS = 2.0
_FOLLOW_SECONDS = 0.1


async def run(inputs: HttpInputs, context: TaskContext) -> Findings:
    """Send the load and tell what came back.

    Raises:
        ConfigurationError: the URL, a header, a port or the bundle of certificates cannot be used.
        UnreachableError: nobody knows the host.
        AutoxError: the cluster did not say where the Service is.
    """
    url = parse_url(inputs.url)
    request = encode_request(url, method=inputs.method, headers=inputs.headers, body=inputs.payload)
    count = inputs.num_requests or requests_within(inputs.duration or 0.0, inputs.qps)
    destinations = await resolve(url, context, timeout=inputs.timeout)
    if not destinations:
        error = ExchangeError(FailureKind.REFUSED, f"the Service {url.name} has no ready pod")
        return findings(unsendable(count, error), inputs)
    load = HttpLoad(
        request=request,
        destinations=destinations,
        tls=system_trust(context.environ) if url.scheme == "https" else None,
        server_name=url.name,
        qps=inputs.qps,
        connections=inputs.connections,
        count=count,
        warmup_count=_warmup_count(inputs),
        timeout=inputs.timeout,
        error_ranges=inputs.error_ranges,
    )
    generator = HttpGenerator(load)
    beside = [
        asyncio.create_task(_talk(generator, context)),
        asyncio.create_task(_follow(generator, url, context, timeout=inputs.timeout)),
    ]
    try:
        return findings(await generator.run(), inputs)
    finally:
        for each in beside:
            each.cancel()
        await asyncio.gather(*beside, return_exceptions=True)


def _warmup_count(inputs: HttpInputs) -> int:
    if inputs.warmup_num_requests is not None:
        return inputs.warmup_num_requests
    return requests_within(inputs.warmup_duration, inputs.qps) if inputs.warmup_duration else 0


async def _follow(generator: HttpGenerator, url: Url, context: TaskContext, *, timeout: float) -> None:  # noqa: ASYNC109
    """Have the host resolved again once connections are in vain, as any client does that opens one.

    Pods go and come in mid-load, and others than those of the beginning are behind the Service then.
    """
    vain = generator.vain
    while True:
        await asyncio.sleep(_FOLLOW_SECONDS)
        if generator.vain > vain:
            vain = generator.vain
            with suppress(AutoxError):
                if destinations := await resolve(url, context, timeout=timeout):
                    generator.lead_to(destinations)


async def _talk(generator: HttpGenerator, context: TaskContext) -> None:
    while True:
        await asyncio.sleep(_SAY_SECONDS)
        context.say(generator.progress)
