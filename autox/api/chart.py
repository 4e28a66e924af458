"""The values of the chart ``autox``: the groups, as Iter8 AutoX documents them, and the controller's own."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from autox.api.documents import Document
from autox.api.groups import LONGEST_GROUP_NAME, GroupSpec
from autox.api.pods import Beside, CaBundle, PodOptions, Variable
from autox.api.values import ImageSection

OWN_VARIABLES = (
    *("POD_IP", "POD_NAME", "POD_UID", "POD_NAMESPACE", "AUTOX_LOG_LEVEL", "HOME", "TMPDIR"),
    *("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME", "AUTOX_CA_BUNDLE"),
)
"""What the controller's container is told by the chart."""

_GROUP_NAME_IS = "the name of a group: a DNS label"
_GROUP_NAME = rf"^[a-z0-9]([-a-z0-9]{{0,{LONGEST_GROUP_NAME - 2}}}[a-z0-9])?$"


def _named(groups: dict[str, GroupSpec]) -> dict[str, GroupSpec]:
    for name in groups:
        if not re.fullmatch(_GROUP_NAME[1:-1], name, re.ASCII):
            raise ValueError(f"{name[:80]!r} is not {_GROUP_NAME_IS}")
    return groups


class Rule(Document):
    """A rule of a Role."""

    api_groups: tuple[str, ...]
    resources: tuple[str, ...]
    resource_names: tuple[str, ...] = ()
    verbs: tuple[str, ...]


class RbacSection(Document):
    """What else the controller may do."""

    extra_rules: Annotated[
        tuple[Rule, ...],
        Field(description="In each trigger's namespace: what charts from elsewhere (repo) install and grant."),
    ] = ()


class ControllerValues(PodOptions):
    """The values of the chart."""

    groups: Annotated[dict[str, GroupSpec], AfterValidator(_named)] = Field(
        default_factory=dict,
        description="What to watch and what to run for each new version, by name.",
        json_schema_extra={"propertyNames": {"pattern": _GROUP_NAME, "$comment": _GROUP_NAME_IS}},
    )
    image: Annotated[
        ImageSection, Field(description="Of the controller; experiments run it too, unless they name another.")
    ] = ImageSection()
    replicas: Annotated[
        int, Field(ge=1, le=5, description="How many controllers; one works, and the others stand by for it.")
    ] = 1
    resources: dict[str, Any] = Field(default_factory=dict, description="Of the controller's container, as in a pod.")
    env: Annotated[
        tuple[Variable, ...], Beside(OWN_VARIABLES), Field(description="More variables of the controller's container.")
    ] = ()
    ca_bundle: Annotated[
        CaBundle | None,
        Field(description="Certificates that are trusted beside the system's where charts are fetched."),
    ] = None
    keep_experiments: Annotated[
        bool, Field(description="Whether what runs goes on when autox is uninstalled; else it is ended first.")
    ] = False
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Field(description="How much is logged.")] = (
        "info"
    )
    rbac: RbacSection = RbacSection()
