"""The state of a search that a run makes, in the Secret ``NAME-result`` beside its experiment: a key of its own.

The Secret is there before the run, outlives a pod that is killed, and is the one thing beside the record that a run
may write. Rejected: an annotation of the record, which every list of experiments would carry.
"""

import base64
import binascii

from autox.kube.client import KubeClient
from autox.model.errors import ConfigurationError, NotFoundError
from autox.model.refs import SECRETS
from autox.store.results import result_secret
from autox.store.runnerstatus import FIELD_MANAGER

_KEY = "search.json"


async def read_search(kube: KubeClient, namespace: str, name: str) -> str:
    """What was kept beside an experiment; empty if nothing was.

    Args:
        kube: may read the Secret.
        namespace: the Secret's.
        name: the experiment's.

    Raises:
        ConfigurationError: what is there is no text.
        AutoxError: it cannot be read.
    """
    try:
        data = (await kube.get(SECRETS, result_secret(name), namespace=namespace)).get("data") or {}
    except NotFoundError:
        return ""
    try:
        return base64.b64decode(data.get(_KEY) or "", validate=True).decode()
    except (binascii.Error, ValueError, TypeError) as error:
        raise ConfigurationError("the kept state of a search is not base64") from error


async def write_search(kube: KubeClient, namespace: str, name: str, text: str) -> None:
    """Keep this beside an experiment.

    Args:
        kube: may patch the Secret.
        namespace: the Secret's.
        name: the experiment's.
        text: what is kept; nothing any more if it is empty.

    Raises:
        NotFoundError: the release has brought no Secret.
        AutoxError: it cannot be written.
    """
    data = {_KEY: base64.b64encode(text.encode()).decode() if text else None}
    await kube.patch(SECRETS, result_secret(name), {"data": data}, namespace=namespace, field_manager=FIELD_MANAGER)
