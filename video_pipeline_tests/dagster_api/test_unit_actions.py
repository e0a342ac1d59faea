"""Backfills that retry units: what is alike goes together, with the provider where needed."""

import json
from collections.abc import Mapping
from typing import Any

from video_pipeline.dagster_api.unit_actions import launch_again
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.pipeline.backfill.repeat_unit import Again
from video_pipeline.pipeline.backfill.selection import Only, Picked, Wish

VIDEOS = ("acme/a", "acme/b", "globex/a")


class Dagster:
    """Responds as Dagster with these partitions would, and records what is launched."""

    def __init__(self) -> None:
        self.launched: list[dict[str, Any]] = []

    def __call__(self, document: str, variables: Mapping[str, Any], /) -> dict[str, Any]:
        if "assetNodeOrError" in document:
            return {"assetNodeOrError": {"__typename": "AssetNode", "partitionKeys": VIDEOS}}
        self.launched.append(variables["params"])
        name = f"b{len(self.launched)}"
        return {
            "launchPartitionBackfill": {
                "__typename": "LaunchBackfillSuccess",
                "backfillId": name,
            }
        }

    def config(self, number: int) -> Any:
        return json.loads(self.launched[number].get("runConfigData", "{}"))


def again(video: str, provider: str | None = None, *, force: bool = False) -> Again:
    key, asked = VideoKey.parse(video), frozenset({Phase.SHOTS})
    wish = Wish(key.project, asked, Only.FAILED, force)
    providers = {Phase.SHOTS: provider} if provider else {}
    return Again(wish, Picked(key, asked | {Phase.TIMELINE}, asked), providers)


def test_launch_again_groups_what_is_alike() -> None:
    dagster = Dagster()
    wanted = [again("acme/a"), again("acme/b"), again("acme/a"), again("globex/a")]
    launched = launch_again(dagster, wanted)
    assert launched.backfills == ("b1", "b2") and launched.left_out == ()
    assert [one["partitionNames"] for one in dagster.launched] == [
        ["acme/a", "acme/b"],
        ["globex/a"],
    ]
    assert [one["path"] for one in dagster.launched[0]["assetSelection"]] == [
        ["shots"],
        ["timeline"],
    ]
    assert dagster.config(0) == {}


def test_provider_and_force_are_run_config() -> None:
    dagster = Dagster()
    launch_again(dagster, [again("acme/a", "cloud"), again("acme/b", "cloud", force=True)])
    assert dagster.config(0) == {"ops": {"analysis": {"config": {"providers": {"shots": "cloud"}}}}}
    assert dagster.config(1) == {
        "ops": {"analysis": {"config": {"force": True, "providers": {"shots": "cloud"}}}}
    }


def test_video_without_partition_is_left_out() -> None:
    launched = launch_again(Dagster(), [again("acme/new")])
    assert launched.backfills == () and launched.left_out == ("acme/new",)
