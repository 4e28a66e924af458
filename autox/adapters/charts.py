"""Which chart a ``ChartRef`` means, in the words that helm understands.

A chart without a repository is one of ours, from the package itself: no network, and the runner that it starts is of
the same version. ``iter8`` is another name of ``experiment``, so that groups written for Iter8's AutoX work unchanged.
Everything else is fetched by helm: from a repository (``https://…``) or a registry (``oci://…``), by name, never from a
path of this machine.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import autox
from autox.model.errors import ConfigurationError
from autox.model.groups import ChartRef

ALIASES = {"iter8": "experiment"}
# NB: what begins with a dash would be an option to helm, and what holds a slash a path.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocatedChart:
    """What helm is told: a path or a name, and the options that go with it."""

    reference: str
    options: tuple[str, ...] = ()


def packaged_charts() -> Path:
    """The charts that came with autox: inside an installed package, or beside it in a checkout."""
    package = Path(autox.__file__).parent
    inside = package / "charts"
    return inside if inside.is_dir() else package.parent / "charts"


def locate(chart: ChartRef, *, charts: Path) -> LocatedChart:
    """Where helm finds a chart.

    Args:
        chart: as an experiment spec names it.
        charts: the directory of our own charts.

    Raises:
        ConfigurationError: it is not one of ours and has no repository, or name or repository make no sense.
    """
    if not _NAME.fullmatch(chart.name):
        raise ConfigurationError(f"{chart.name!r} is not the name of a chart")
    if not chart.repo:
        return _own(chart, charts)
    version = (f"--version={chart.version}",) if chart.version else ()
    scheme = _scheme(chart)
    if scheme == "oci":
        return LocatedChart(reference=f"{chart.repo.rstrip('/')}/{chart.name}", options=version)
    return LocatedChart(reference=chart.name, options=(f"--repo={chart.repo}", *version))


def meant(chart: ChartRef) -> ChartRef:
    """The chart that is installed where this one is asked for.

    Of ours it is always the one that came with autox, whichever name and version Iter8 knew it by; a chart of somebody
    else is taken at its word.
    """
    return chart if chart.repo else ChartRef(name=ALIASES.get(chart.name, chart.name), version=autox.__version__)


def _own(chart: ChartRef, charts: Path) -> LocatedChart:
    path = charts / meant(chart).name
    if not (path / "Chart.yaml").is_file():
        raise ConfigurationError(
            f"autox has no chart named {chart.name}",
            hint="Its own chart for experiments is experiment; for any other chart, say its repo.",
        )
    return LocatedChart(reference=str(path.absolute()))


def _scheme(chart: ChartRef) -> str:
    try:
        parts = urlsplit(chart.repo)
        sound = parts.scheme in {"http", "https", "oci"} and bool(parts.hostname) and chart.repo.isprintable()
    except ValueError:
        sound = False
    # NB: helm is told the URL on its command line, which everybody on the machine can read.
    if sound and parts.username is not None:
        raise ConfigurationError(f"the repo of chart {chart.name} has a user name in its URL, where all can read it")
    if not sound:
        raise ConfigurationError(
            f"the repo of chart {chart.name} is no URL of a chart repository",
            hint="It looks like https://charts.example.com or oci://registry.example.com/charts.",
        )
    return parts.scheme
