"""What Dagster shows of videos, and the run that logs the results again that it does not show."""

import json

from video_pipeline.dagster_api.client import Ask, refused
from video_pipeline.dagster_api.tags import PARTITION_TAG, PROJECT_TAG
from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.domain.phases import Phase
from video_pipeline.pipeline.backfill.selection import Wish
from video_pipeline.pipeline.backfill.unmaterialized import Shown

# The job of the definitions that re-runs a project, and its step.
JOB, STEP = "backfill_project", "launch_backfill"

_SHOWN = """query($assets: [AssetKeyInput!]!) { assetNodes(assetKeys: $assets) {
    assetKey { path } partitionKeys assetPartitionStatuses {
    ... on DefaultPartitionStatuses { materializedPartitions } } } }"""
_JOBS = """{ repositoriesOrError { __typename ... on PythonError { message }
    ... on RepositoryConnection { nodes { name location { name } jobs { name } } } } }"""
_LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
    ... on UnauthorizedError { message }
    ... on RunConfigValidationInvalid { errors { message } } } }"""


def shown(ask: Ask) -> Shown:
    """Return what Dagster shows of all videos. Raises ConfigurationError."""
    nodes = ask(_SHOWN, {"assets": [{"path": [phase.value]} for phase in Phase]})["assetNodes"]
    by_phase = {Phase(node["assetKey"]["path"][0]): node for node in nodes}
    return Shown(
        partitions=frozenset(key for node in nodes[:1] for key in node["partitionKeys"]),
        materialized={
            phase: frozenset(node["assetPartitionStatuses"]["materializedPartitions"])
            for phase, node in by_phase.items()
        },
    )


def launch_logging(ask: Ask, wish: Wish) -> str:
    """Launch the job that logs what is not shown, and return its run. Raises ConfigurationError."""
    phases = [phase.value for phase in Phase if phase in wish.phases]
    config = {"only": wish.only.value, "phases": phases, "preview": False}
    tags = {PARTITION_TAG: wish.project, PROJECT_TAG: wish.project}
    parameters = {
        "selector": _selector(ask),
        "runConfigData": json.dumps({"ops": {STEP: {"config": config}}}),
        "executionMetadata": {"tags": [{"key": k, "value": v} for k, v in tags.items()]},
    }
    response = ask(_LAUNCH, {"params": parameters})["launchRun"]
    if response["__typename"] != "LaunchRunSuccess":
        errors = "; ".join(one["message"] for one in response.get("errors", ()))
        raise refused("run", response.get("message") or errors or response["__typename"])
    return str(response["run"]["runId"])


def _selector(ask: Ask) -> dict[str, str]:
    found = ask(_JOBS, {})["repositoriesOrError"]
    for node in found.get("nodes", ()):
        if any(job["name"] == JOB for job in node["jobs"]):
            location = node["location"]["name"]
            names = {"repositoryName": node["name"], "repositoryLocationName": location}
            return names | {"jobName": JOB}
    raise ConfigurationError(
        f"Dagster has loaded no job {JOB}",
        where=found.get("message", "its code locations"),
        remedy="Load video_pipeline.definitions; `video-pipeline doctor` may know more.",
    )
