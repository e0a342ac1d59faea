"""What a database of the first schema lacks is filled in before anything is asked of it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from pymongo.database import Database

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.catalog.connection import connect
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.timeline import PhaseResult, Provenance

TENANTS = ("acme", "globex")


@pytest.fixture
def older(
    catalog: Catalog, source, now: datetime, mongo_uri: str, database: Database[dict[str, Any]]
):
    """Of two tenants a video whose shots were made before the timeline; of the first also one
    whose shots were made after it. As the first schema kept them."""
    for project, video in (*((name, "film") for name in TENANTS), ("acme", "later")):
        half = catalog.project(project)
        half.videos.register(source(video, project), now)
        shots = 3 if video == "later" else 0
        for minute, phase in enumerate((Phase.SOURCE_VIDEO, Phase.TIMELINE, Phase.EXPORTS), 1):
            half.results.publish(video, made(phase, now + timedelta(minutes=minute)))
        half.results.publish(video, made(Phase.SHOTS, now + timedelta(minutes=shots), "torn"))
    lacking = ("fingerprint", "outdated", "warned", "result.provenance.inputs")
    database["phases"].update_many({}, {"$unset": dict.fromkeys(lacking, "")})
    database["deployment"].update_one({"_id": "schema"}, {"$set": {"version": 1}})
    newer = connect(mongo_uri, database.name)
    yield newer
    newer.close()


def made(phase: Phase, at: datetime, *warnings: str) -> PhaseResult:
    origin = Provenance(
        provider="p",
        plugin="p",
        version="1",
        choice="c",
        content="a" * 64,
        started_at=at,
        ended_at=at,
    )
    return PhaseResult(phase=phase, state=PhaseState.DONE, provenance=origin, warnings=warnings)


def test_outdated_compares_inputs_with_current_results(
    older: Catalog,
) -> None:
    assert list(older.project("acme").standings.outdated()) == ["later"]
    assert list(older.project("globex").standings.outdated()) == []


def test_warnings_are_found_again(older: Catalog) -> None:
    warned = list(older.project("globex").standings.warned())
    assert warned == [("film", Phase.SHOTS, ("torn",))]


def test_new_timeline_after_upgrade_is_not_stale(older: Catalog, now: datetime) -> None:
    results = older.project("acme").results
    shots = results.get("later", Phase.SHOTS)
    assert shots is not None
    timeline = made(Phase.TIMELINE, now + timedelta(hours=1))
    assert timeline.provenance is not None
    origin = timeline.provenance.model_copy(update={"inputs": {Phase.SHOTS: shots.fingerprint}})
    results.publish("later", timeline.model_copy(update={"provenance": origin}))
    assert older.project("acme").standings.count_outdated() == {Phase.EXPORTS: 1}
