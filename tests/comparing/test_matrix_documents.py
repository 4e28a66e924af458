"""The document of a matrix: what it stands for, and what is said of a mistake in it."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from autox.api.tasks.density.matrix import METRICS, load_matrix
from autox.api.tasks.measuring import maker
from autox.model.errors import ConfigurationError
from autox.model.matrix import Matrix
from tests.clusters import Done, run

EXAMPLE = Path(__file__).parents[2] / "examples" / "matrix" / "matrix.yaml"
SMALL: dict[str, Any] = {
    "apiVersion": "autox.dev/v1alpha1",
    "kind": "DensityMatrix",
    "cluster": {"apiServer": {"flags": {"v": 2}, "env": {"GOGC": "200"}}},
    "density": {"nodes": 2, "pods": 20},
    "factors": {
        "cache": {"on": {}, "off": {"cluster": {"apiServer": {"flags": {"watch-cache": False, "v": None}}}}},
        "load": {"few": {}, "many": {"density": {"pods": 40, "rate": 40}}},
    },
    "trials": 2,
}


def written(folder: Path, **changes: Any) -> Path:
    """A file of the small matrix with changes at the top."""
    path = folder / "matrix.yaml"
    path.write_text(json.dumps({**SMALL, **changes}))
    return path


def read(folder: Path, **changes: Any) -> Matrix:
    """The small matrix with changes."""
    return load_matrix(written(folder, **changes))


def test_a_variant_is_what_all_share_with_the_patches_of_its_levels(tmp_path: Path) -> None:
    """A level's map is merged, null takes a key away, and numbers and booleans become the text of a flag."""
    found = read(tmp_path)

    assert {each.name: dict(each.settings) for each in found.variants} == {
        "on-few": {"apiServer.flags.v": "2", "apiServer.env.GOGC": "200"},
        "on-many": {"apiServer.flags.v": "2", "apiServer.env.GOGC": "200"},
        "off-few": {"apiServer.flags.watch-cache": "false", "apiServer.env.GOGC": "200"},
        "off-many": {"apiServer.flags.watch-cache": "false", "apiServer.env.GOGC": "200"},
    }
    assert [(each.inputs.pods, each.inputs.rate, each.inputs.nodes) for each in found.variants] == [
        (20, 20, 2),
        (40, 40, 2),
    ] * 2
    assert [(each.name, each.is_load) for each in found.factors] == [("cache", False), ("load", True)]
    assert found.metrics == METRICS
    assert all(maker(each) == "density" for each in METRICS)


def test_more_trials_are_of_the_same_matrix(tmp_path: Path) -> None:
    """Trials that are kept count for a document that asks for more, or other metrics; not for one of another load."""
    digest = read(tmp_path).digest

    assert read(tmp_path, trials=4, within="40m", metrics=["density/cpu-mean/etcd"]).digest == digest
    assert read(tmp_path, seed=2).digest != digest
    assert read(tmp_path, density={"nodes": 3}).digest != digest
    assert read(tmp_path, cluster={}).digest != digest


def test_trials_are_good_for_a_later_autox(tmp_path: Path) -> None:
    """The digest is of what is written: that another commit says it in other words takes no trial away."""
    assert read(tmp_path).digest == "a2edbf343547d1e7"


def test_variants_may_be_listed(tmp_path: Path) -> None:
    """Not every combination has to be tried."""
    listed = [{"load": "few", "cache": "on"}, {"cache": "off", "load": "few"}]

    assert [each.name for each in read(tmp_path, variants=listed).variants] == ["on-few", "off-few"]


def test_programs_of_other_versions_are_beside_the_document(tmp_path: Path) -> None:
    """A level may name a directory, relative to the document's."""
    versions = {"new": {}, "old": {"cluster": {"binaries": "v1.35"}}}

    assert [each.binaries for each in read(tmp_path, factors={"version": versions}).variants] == [
        None,
        tmp_path / "v1.35",
    ]


CACHE = SMALL["factors"]["cache"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({"kind": "Matrix"}, "kind: Input should be 'DensityMatrix'", id="another kind"),
        pytest.param({"factors": {}}, "factors: ", id="no factor"),
        pytest.param({"factors": {"cache": {"on": {}}}}, "factors.cache: must have 2 to 16 levels", id="one level"),
        pytest.param({"factors": {"wátch": CACHE}}, "a name of letters and digits", id="a name of other letters"),
        pytest.param({"factors": {"cache": {"a/b": {}, "c": {}}}}, "a name of letters, digits", id="a level's name"),
        pytest.param({"trials": 0}, "trials: ", id="no trial"),
        pytest.param({"trials": 100, "factors": {"c": {f"l{n}": {} for n in range(9)}}}, "at most 400", id="too many"),
        pytest.param({"metrics": ["density/cpu"]}, "task density makes no metric density/cpu", id="no metric"),
        pytest.param({"metrics": ["http/latency-p99"]}, "http/latency-p99 is of no load", id="another task's metric"),
        pytest.param({"metrics": []}, "metrics: ", id="no metrics"),
        pytest.param({"metrics": [METRICS[0]] * 2}, f"{METRICS[0]} is there twice", id="a metric twice"),
        pytest.param({"variants": [{"cache": "on"}]}, "variants[0]: says nothing of load", id="half a variant"),
        pytest.param(
            {"variants": [{"cache": "on", "load": "none"}]}, "variants[0]: there is no load: none", id="no level"
        ),
        pytest.param(
            {"variants": [{"cache": "on", "load": "few"}]}, "must be two or more to compare", id="one variant"
        ),
        pytest.param({"variants": [{"cache": "on", "load": "few"}] * 2}, "is there twice", id="a variant twice"),
        pytest.param({"cluster": {"kubelet": {}}}, "variant on-few.cluster.kubelet: unknown key", id="a component"),
        pytest.param(
            {"cluster": {"etcd": {"flags": {"--quota": 1}}}}, "a flag without its leading dashes", id="a flag's dashes"
        ),
        pytest.param(
            {"cluster": {"etcd": {"flags": {"a": [1]}}}},
            "variant on-few.cluster.etcd.flags.a: must be text, a number",
            id="a list",
        ),
        pytest.param({"density": {"cluster": "b"}}, "density.cluster: each trial has a cluster", id="a cluster"),
        pytest.param({"density": {"failurePoint": {}}}, "density.failurePoint: each trial", id="a search"),
        pytest.param({"density": {"podz": 1}}, "variant on-few.density.podz: unknown key", id="a key of the load"),
        pytest.param({"density": {"nodes": 1, "pods": 500}}, "variant on-few.density: ", id="too large a load"),
        pytest.param({"within": "30s"}, "8 trials take 72 s at the least, and within is 30s", id="too little time"),
        pytest.param(
            {"factors": {"a": {"x-y": {}, "x": {}}, "b": {"z": {}, "y-z": {}}}},
            "two variants would be called x-y-z",
            id="names that are one",
        ),
    ],
)
def test_mistakes_are_told_where_they_are(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    """With the file and the field, and of a variant with its name."""
    path = written(tmp_path, **changes)

    with pytest.raises(ConfigurationError) as error:
        load_matrix(path)
    assert str(error.value).startswith(str(path))
    assert told in str(error.value)


def dry(path: Path, *argv: str) -> Done:
    """``autox density matrix --dry-run``."""
    return run(sys.executable, "-m", "autox", "density", "matrix", "-f", str(path), "--dry-run", *argv)


def test_the_example_is_told_without_a_cluster() -> None:
    """Two sizes, two loads, the watch cache on and off: 40 trials that take twelve minutes at the least."""
    done = dry(EXAMPLE)

    assert done.code == 0, done.err
    assert done.out.splitlines()[1].split()[:3] == ["small-pods-on", "200", "20"]
    assert done.out.endswith("at the least, of 30 min that are given\n")
    assert max(map(len, done.out.splitlines())) <= 80
    told = json.loads(dry(EXAMPLE, "-o", "json").out)
    assert len(told["variants"]) == 8
    assert told["trialsNeeded"] == 5
    assert told["trials"] == len(told["order"]) == 40


def test_too_few_trials_are_told_before_they_are_made(tmp_path: Path) -> None:
    """Two of each can tell nothing of ten metrics: it says how many can."""
    told = dry(written(tmp_path)).out

    assert told.endswith("too few to tell of every comparison: 11 of each variant can, or fewer metrics\n")


@pytest.mark.parametrize(
    ("cluster", "told"),
    [
        ({"etcd": {"flags": {"a=b": 1}}}, "a flag without its leading dashes"),
        ({"binaries": "nowhere"}, "the directory of binaries is not a directory"),
    ],
)
def test_a_mistake_ends_it_before_anything_is_tried(tmp_path: Path, cluster: dict[str, Any], told: str) -> None:
    """With 2, and without a directory for trials."""
    path = written(tmp_path, cluster=cluster)
    kept = tmp_path / "kept"
    done = run(sys.executable, "-m", "autox", "density", "matrix", "-f", str(path), "--keep", str(kept))

    assert done.code == 2
    assert told in done.err
    assert not kept.exists()
