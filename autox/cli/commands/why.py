"""``autox why KIND/NAME``: what autox does for an object, what it found, or what is missing for it to do anything."""

import asyncio
import json
import shutil
import sys
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import click

from autox.cli.commands.history import WHOLE, shown
from autox.cli.parts.describing import described, is_told_whole
from autox.cli.parts.explaining import Explanation, GroupExplained, SeenEvent, explain
from autox.cli.parts.groups import ReadGroup
from autox.cli.parts.kinds import resolve
from autox.cli.parts.output import output_option
from autox.cli.parts.places import place_of
from autox.cli.parts.tables import age, paragraph
from autox.cli.parts.targeting import Target, target_options
from autox.kube.client import KubeClient
from autox.kube.objects import micro_timestamp
from autox.model.decision import Action
from autox.model.errors import ConfigurationError
from autox.model.refs import ObjectRef
from autox.model.trigger import TriggerState
from autox.report.legible import legible

OTHERS_SHOWN = 3
NOT_THERE = 3  # exit code


@click.command()
@click.argument("object_", metavar="KIND/NAME")
@target_options
@output_option
def why(*, target: Target, object_: str, output: str) -> None:
    """Explain what autox did for an object, and why.

    KIND is as in kubectl: deployment, deploy, deployments.apps, or any custom
    resource. Told are the groups that name the object, whether it has opted in
    and has a version, the last decision, the experiments, and the latest Events.

    Exit code: 0 if there is such an object, 2 if the options make no sense, 3 if
    there is none, or it cannot be read.
    """
    kind, slash, name = object_.partition("/")
    if not (kind and slash and name) or "/" in name:
        raise ConfigurationError(f"{object_!r} is not KIND/NAME", hint="It looks like deployment/web.")
    connection = target.connection()

    async def read() -> Explanation:
        async with KubeClient(connection) as kube:
            resource = await resolve(kube, kind)
            place = await place_of(kube, resource, name, namespace=target.place(connection))
            return await explain(kube, resource, name, namespace=place)

    explanation = asyncio.run(read())
    if output == "json":
        click.echo(json.dumps(as_object(explanation), indent=2))
    else:
        columns = min(100, shutil.get_terminal_size(fallback=(80, 24)).columns)
        click.echo("\n".join(lines(explanation, now=datetime.now(UTC), columns=columns)))
    sys.exit(NOT_THERE if explanation.trigger.state is TriggerState.ABSENT else 0)


def lines(explanation: Explanation, *, now: datetime, columns: int) -> Iterator[str]:
    """An explanation for people.

    Args:
        explanation: of one object.
        now: to which ages are counted.
        columns: how wide the terminal is.
    """
    trigger = explanation.trigger
    yield str(trigger.ref)
    if trigger.state is TriggerState.ABSENT:
        yield "  does not exist, or is being deleted"
    for note in explanation.notes:
        yield from _paragraph("", note, columns)
    if not explanation.groups:
        yield from _not_named(explanation, columns)
    for each in explanation.groups:
        yield ""
        yield from _group_lines(each, explanation, now, columns)


def as_object(explanation: Explanation) -> dict[str, Any]:
    """An explanation for programs; fields are only ever added to this."""
    trigger = explanation.trigger
    return {
        "object": str(trigger.ref),
        "state": trigger.state.value,
        "uid": trigger.uid,
        "groups": [
            {
                "namespace": each.group.namespace,
                "name": each.group.name,
                "optedIn": _opted_in(each, explanation),
                "version": _version(each, explanation),
                "isLaunching": each.obstacle is None and not each.group.flaw,
                "reason": each.obstacle.reason if each.obstacle else "",
                "message": each.obstacle.message if each.obstacle else each.group.flaw,
                "conditions": [
                    {"type": kind, "status": status, "reason": reason, "message": message}
                    for kind, (status, reason, message) in each.group.conditions.items()
                ],
                "lastDecision": dict(each.group.last_decision),
                "experiments": [described(one) for one in each.experiments],
                "events": [
                    {
                        "at": micro_timestamp(event.at),
                        "about": event.about,
                        "type": event.type,
                        "reason": event.reason,
                        "message": event.message,
                        "count": event.count,
                    }
                    for event in each.events
                ],
            }
            for each in explanation.groups
        ],
        "notes": list(explanation.notes),
    }


def _group_lines(each: GroupExplained, explanation: Explanation, now: datetime, columns: int) -> Iterator[str]:
    group, wanted = each.group, each.group.wanted
    yield f"group {group.namespace}/{group.name}"
    if wanted is not None and explanation.trigger.state is TriggerState.PRESENT:
        opt_in = (
            f"{'yes' if _opted_in(each, explanation) else 'no'} ({wanted.opt_in.label})"
            if wanted.opt_in
            else "not asked for"
        )
        yield f"  opted in   {opt_in}"
        yield f"  version    {legible(_version(each, explanation)) or 'none'} ({wanted.version_label})"
    if each.obstacle is not None:
        yield from _paragraph("launching", f"nothing: {each.obstacle.message}", columns)
    if not group.is_seen:
        message = "the controller has not seen this group as it is now; does it run? kubectl get pods -A | grep autox"
        yield from _paragraph("waiting", message, columns)
    said = _said(each)
    if group.trouble and not said & {*_ready(group)[1:]}:
        yield from _paragraph("trouble", group.trouble, columns)
        said |= {group.flaw, *_ready(group)[1:]}
    last = group.last_decision
    is_idle = last.get("action") in (Action.WAIT, Action.IGNORE)
    if last and not (is_idle and last.get("reason") in said):
        yield from _paragraph("decided", _decided(last, said, now), columns)
    if each.experiments:
        table = shown(each.experiments, now=now, columns=columns - 2, lines=WHOLE)
        yield from ("", *(f"  {line}" for line in table.splitlines()))
    events = [event for event in each.events if event.message not in said]
    if events:
        yield from ("", "  events, the latest last:")
        for event in events:
            yield from _paragraph(age((now - event.at).total_seconds()), _told(event), columns)


def _said(each: GroupExplained) -> set[str]:
    """The reasons and messages that stand elsewhere in the explanation: each is told once."""
    said = {one.standing[1] for one in each.experiments if is_told_whole(one)}
    said |= {each.obstacle.reason, each.obstacle.message} if each.obstacle is not None else set()
    return said - {""}


def _ready(group: ReadGroup) -> tuple[str, str, str]:
    return group.conditions.get("Ready", ("", "", ""))


def _opted_in(each: GroupExplained, explanation: Explanation) -> bool:
    wanted = each.group.wanted
    return wanted is not None and wanted.is_opted_in(explanation.trigger.labels)


def _version(each: GroupExplained, explanation: Explanation) -> str:
    wanted = each.group.wanted
    return "" if wanted is None else explanation.trigger.labels.get(wanted.version_label, "")


def _decided(last: Mapping[str, str], said: Collection[str], now: datetime) -> str:
    what = " ".join(filter(None, (last.get("action"), last.get("spec"))))
    try:
        ago = f", {age((now - datetime.fromisoformat(last.get('time', ''))).total_seconds())} ago"
    except (ValueError, TypeError):
        ago = ""
    reason, message = last.get("reason", ""), last.get("message", "")
    return f"{what}{ago}: {': '.join(filter(None, (reason, '' if reason in said else message)))}"


def _told(event: SeenEvent) -> str:
    times = f" (x{event.count})" if event.count > 1 else ""
    return f"{event.type} {event.reason}{times}: {event.message}"


def _not_named(explanation: Explanation, columns: int) -> Iterator[str]:
    ref = explanation.trigger.ref
    yield from _paragraph("", "No experiment group names it, so autox does nothing about it.", columns)
    for trigger, other in list({other.trigger: other for other in reversed(explanation.others)}.items())[
        -OTHERS_SHOWN:
    ]:
        yield from _paragraph("", f"Group {other.namespace}/{other.name} names {trigger}.", columns)
    if explanation.trigger.state is TriggerState.ABSENT:
        return
    yield "  To have it tested, add a group to the release of autox:"
    yield ""
    yield from (f"    {line}" for line in _command(ref))


def _command(ref: ObjectRef) -> Iterator[str]:
    at = f"groups.{ref.name.replace('.', '-')}"
    yield "helm upgrade autox CHART --reuse-values \\"
    for key in ("name", "namespace", "group", "version", "resource"):
        yield f"  --set '{at}.trigger.{key}={getattr(ref, key)}' \\"
    yield f"  --set '{at}.specs.SPEC.name=experiment' ..."


def _paragraph(word: str, text: str, columns: int) -> Iterator[str]:
    """A word in the margin and a text beside it."""
    yield from paragraph(f"  {word:<9}  " if word else "  ", text, columns)
