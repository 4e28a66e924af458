"""A ``metav1.LabelSelector`` as the text that ``kubectl -l`` takes. Pure."""

from collections.abc import Mapping
from typing import Any

_TERMS = {"In": "{0} in ({1})", "NotIn": "{0} notin ({1})", "Exists": "{0}", "DoesNotExist": "!{0}"}


def label_selector(selector: Any) -> str:
    """The text; empty for what is no selector, and for one that selects everything.

    Args:
        selector: as it stands in an object, which may be a custom resource with a field of this name.
    """
    if not isinstance(selector, Mapping):
        return ""
    labels, expressions = selector.get("matchLabels"), selector.get("matchExpressions")
    of_labels = labels.items() if isinstance(labels, Mapping) else ()
    of_expressions = expressions if isinstance(expressions, list) else ()
    terms = (
        _TERMS[each["operator"]].format(each["key"], ",".join(each.get("values") or ())) for each in of_expressions
    )
    return ",".join((*(f"{key}={value}" for key, value in of_labels), *terms))
