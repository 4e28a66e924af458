"""A chart reference becomes arguments that helm cannot take for a path or an option."""

from pathlib import Path

import pytest

from autox.adapters.charts import LocatedChart, locate
from autox.model.errors import ConfigurationError
from autox.model.groups import ChartRef


@pytest.mark.parametrize(
    ("chart", "located"),
    [
        pytest.param(
            ChartRef(name="load", repo="https://charts.example/x"),
            LocatedChart(reference="load", options=("--repo=https://charts.example/x",)),
            id="repository",
        ),
        pytest.param(
            ChartRef(name="load", version="1.2.3", repo="http://charts.example"),
            LocatedChart(reference="load", options=("--repo=http://charts.example", "--version=1.2.3")),
            id="repository and version",
        ),
        pytest.param(
            ChartRef(name="load", version="1.2.3", repo="oci://registry.example/charts/"),
            LocatedChart(reference="oci://registry.example/charts/load", options=("--version=1.2.3",)),
            id="registry",
        ),
    ],
)
def test_a_chart_elsewhere_is_named_by_its_repository(chart: ChartRef, located: LocatedChart, tmp_path: Path) -> None:
    """Helm fetches it; nothing on this machine is looked at."""
    assert locate(chart, charts=tmp_path) == located


@pytest.mark.parametrize("name", ["", "-f", "--values=x", "../secret", "/etc", "a b", "oci://x/y", "a\nb", "é", "."])
@pytest.mark.parametrize("repo", ["", "https://charts.example"])
def test_what_is_no_chart_name_is_refused(name: str, repo: str, charts: Path) -> None:
    """Options, paths and URLs in the name never reach helm."""
    with pytest.raises(ConfigurationError, match="not the name of a chart"):
        locate(ChartRef(name=name, repo=repo), charts=charts)


@pytest.mark.parametrize("repo", ["charts", "file:///etc", "https://", "https://[", "-x", "http:/x", "https://a\nb/"])
def test_what_is_no_repository_is_refused(repo: str, charts: Path) -> None:
    """The message says what one looks like."""
    with pytest.raises(ConfigurationError, match="no URL of a chart repository"):
        locate(ChartRef(name="load", repo=repo), charts=charts)


def test_a_password_in_a_url_is_refused_and_not_repeated(charts: Path) -> None:
    """It would stand on helm's command line."""
    with pytest.raises(ConfigurationError, match="user name") as refused:
        locate(ChartRef(name="load", repo="https://robin:hunter2@charts.example"), charts=charts)

    assert "hunter2" not in refused.value.advice
