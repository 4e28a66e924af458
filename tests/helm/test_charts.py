"""A chart reference becomes arguments that helm cannot take for a path or an option."""

from pathlib import Path

import pytest
import yaml

from autox.adapters.charts import LocatedChart, locate, meant, packaged_charts
from autox.model.errors import ConfigurationError
from autox.model.groups import ChartRef

REPO = "https://charts.example"
OURS = ChartRef(
    name="experiment", version=yaml.safe_load((packaged_charts() / "experiment/Chart.yaml").read_text())["version"]
)


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


@pytest.mark.parametrize(
    ("asked", "ran"),
    [
        pytest.param(ChartRef(name="iter8", version="0.13.0"), OURS, id="by Iter8's name and version"),
        pytest.param(ChartRef(name="iter8", version="0.14.x"), OURS, id="by a range of versions"),
        pytest.param(ChartRef(name="iter8"), OURS, id="by Iter8's name"),
        pytest.param(ChartRef(name="experiment"), OURS, id="by its own name"),
        pytest.param(ChartRef(name="iter8", version="0.13.0", repo=REPO), None, id="Iter8's own, from its repository"),
    ],
)
def test_the_record_says_which_chart_ran(asked: ChartRef, ran: ChartRef | None) -> None:
    """Chart 0.13.0 was recorded where 0.1.0 ran."""
    assert meant(asked) == (ran or asked)
