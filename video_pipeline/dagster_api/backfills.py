"""Backfills, as Dagster knows them: launched over exact pairs of asset and partition, cancelled,
and asked how they stand.

A backfill takes the same assets of all its partitions, so videos that lack the same phases go
together. (What Dagster calls partitionsByAssets takes ranges only, and none of dynamic partitions:
1.13.27 refuses them, and a range would take in whatever lies between its ends.)
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from video_pipeline.dagster_api.client import Ask, refused
from video_pipeline.dagster_api.tags import ONLY_TAG, PHASES_TAG, PROJECT_TAG
from video_pipeline.domain.errors import ConfigurationError, InputError
from video_pipeline.domain.phases import Phase, step_name
from video_pipeline.domain.values import Frozen
from video_pipeline.pipeline.backfill.selection import Picked, Wish

MOST_VIDEOS = 10_000
"""Videos a backfill; a larger selection becomes several."""

UNDER_WAY = ("REQUESTED", "CANCELING", "COMPLETING", "FAILING")
"""The states of a backfill that has not ended, in Dagster's words."""
CANCELLED_STATUSES = ("CANCELING", "CANCELED")

_KEYS = """query($asset: AssetKeyInput!) { assetNodeOrError(assetKey: $asset) {
    __typename ... on AssetNode { partitionKeys } } }"""
_LAUNCH = """mutation($params: LaunchBackfillParams!) {
    launchPartitionBackfill(backfillParams: $params) { __typename
    ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message }
    ... on UnauthorizedError { message } } }"""
_CANCEL = """mutation($id: String!) { cancelPartitionBackfill(backfillId: $id) { __typename
    ... on PythonError { message } ... on UnauthorizedError { message } } }"""
_STATE = """query($id: String!) { partitionBackfillOrError(backfillId: $id) { __typename
    ... on PartitionBackfill { status title } ... on PythonError { message } } }"""


class Launched(Frozen):
    """What came of a launch."""

    backfills: tuple[str, ...]
    left_out: tuple[str, ...]
    """Videos that are no partitions in Dagster, since they were not added yet."""


def launch(
    ask: Ask,
    wish: Wish,
    selected: Sequence[Picked],
    providers: Mapping[Phase, str] | None = None,
) -> Launched:
    """Launch what was selected, in as many backfills as its size needs. `providers` names who is
    asked for a phase, whatever pipeline.yaml says.

    Raises ConfigurationError, which names those that were launched before it.
    """
    there = _partitions(ask)
    parts = _parts([one for one in selected if str(one.key) in there])
    launched: list[str] = []
    for number, part in enumerate(parts, 1):
        parameters = _parameters(wish, part, f"{number} of {len(parts)}")
        config = _config(wish, part, providers or {})
        parameters |= {"runConfigData": json.dumps(config)} if config else {}
        try:
            launched.append(_launch(ask, parameters))
        except ConfigurationError as error:
            raise _in_part(error, launched, len(parts)) from error
    left_out = tuple(str(one.key) for one in selected if str(one.key) not in there)
    return Launched(backfills=tuple(launched), left_out=left_out)


def _in_part(error: ConfigurationError, launched: Sequence[str], parts: int) -> ConfigurationError:
    told = f"{', '.join(launched)} were launched" if launched else "none was launched before it"
    return ConfigurationError(
        f"backfill {len(launched) + 1} of {parts} could not be launched, {told}: {error.what}",
        where=error.where,
        remedy="Look at the page of backfills before you ask again: this one may have been taken, "
        "and by force what was launched would be paid again.",
    )


def _parts(videos: Iterable[Picked]) -> list[list[Picked]]:
    """The videos of each backfill: all of the same phases, the largest first."""
    alike: dict[frozenset[Phase], list[Picked]] = {}
    for one in videos:
        alike.setdefault(one.phases, []).append(one)
    return [
        group[start : start + MOST_VIDEOS]
        for group in sorted(alike.values(), key=len, reverse=True)
        for start in range(0, len(group), MOST_VIDEOS)
    ]


def cancel(ask: Ask, backfill: str) -> None:
    """Cancel a backfill: Dagster's daemon then ends its runs. Repeatable. Raises InputError where
    there is no such backfill or it has ended (Dagster itself would open it again), and
    ConfigurationError."""
    status = state(ask, backfill)
    if status in CANCELLED_STATUSES:
        return
    if status not in UNDER_WAY:
        raise InputError(
            f"the backfill has ended: {status}",
            where=backfill,
            remedy="There is nothing to cancel; see `video-pipeline status` for what is parked.",
        )
    told = ask(_CANCEL, {"id": backfill})["cancelPartitionBackfill"]
    if told["__typename"] != "CancelBackfillSuccess":
        raise _no(told)


def is_cancelled(ask: Ask, backfill: str) -> bool:
    """Whether a backfill was cancelled, or is being so. Raises InputError where there is none."""
    return state(ask, backfill) in CANCELLED_STATUSES


def state(ask: Ask, backfill: str) -> str:
    """How a backfill stands, in Dagster's words. Raises InputError where there is none, and
    ConfigurationError."""
    told = ask(_STATE, {"id": backfill})["partitionBackfillOrError"]
    if told["__typename"] == "BackfillNotFoundError":
        raise InputError(
            f"Dagster knows no backfill {backfill!r}",
            remedy="Look for its id on the page of backfills.",
        )
    if told["__typename"] != "PartitionBackfill":
        raise _no(told)
    return str(told["status"])


def _partitions(ask: Ask) -> frozenset[str]:
    asset = {"path": [Phase.SOURCE_VIDEO.value]}
    node = ask(_KEYS, {"asset": asset})["assetNodeOrError"]
    if node["__typename"] != "AssetNode":
        raise ConfigurationError(
            "Dagster's definitions have no such assets",
            where=Phase.SOURCE_VIDEO.value,
            remedy="Load video_pipeline.definitions; `video-pipeline doctor` may know more.",
        )
    return frozenset(node["partitionKeys"])


def _launch(ask: Ask, parameters: dict[str, Any]) -> str:
    told = ask(_LAUNCH, {"params": parameters})["launchPartitionBackfill"]
    if told["__typename"] != "LaunchBackfillSuccess":
        raise _no(told)
    return str(told["backfillId"])


def _parameters(wish: Wish, videos: Sequence[Picked], part: str) -> dict[str, Any]:
    title = f"{wish.project}: {wish.only}{' by force' if wish.force else ''}"
    named = [phase.value for phase in Phase if phase in wish.phases]
    phases = "every phase" if len(named) == len(Phase) else ", ".join(named)
    return {
        "assetSelection": [{"path": [phase.value]} for phase in Phase if phase in videos[0].phases],
        "partitionNames": [str(one.key) for one in videos],
        "title": title if part == "1 of 1" else f"{title} ({part})",
        "description": f"{wish.only} of {phases}, and what hangs on it",
        "tags": [
            {"key": PROJECT_TAG, "value": wish.project},
            {"key": ONLY_TAG, "value": wish.only.value},
            {"key": PHASES_TAG, "value": phases},
        ],
    }


def _config(wish: Wish, videos: Iterable[Picked], providers: Mapping[Phase, str]) -> dict[str, Any]:
    """Forces every step that asks a provider, where that is wished, and says whom it asks."""
    steps: dict[str, dict[str, Any]] = {}
    for phase in sorted({phase for one in videos for phase in one.asked}):
        step = steps.setdefault(step_name(phase), {})
        if wish.force:
            step["force"] = True
        if phase in providers:
            step.setdefault("providers", {})[phase.value] = providers[phase]
    ops = {step: {"config": config} for step, config in sorted(steps.items()) if config}
    return {"ops": ops} if ops else {}


def _no(told: dict[str, Any]) -> ConfigurationError:
    return refused("backfill", told.get("message") or told["__typename"])
