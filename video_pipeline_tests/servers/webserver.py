"""A client of Dagster's webserver, for backfills and partitions, by the GraphQL of its UI."""

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# The webserver listens on this machine: ignore any proxy of the environment.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))

_BACKFILL = """
mutation($p: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $p) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }
"""
_LAUNCH = """
mutation($p: ExecutionParams!) { launchRun(executionParams: $p) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  ... on RunConfigValidationInvalid { errors { message } } } }
"""
_LOCATIONS = """
{ repositoriesOrError { ... on RepositoryConnection { nodes { name location { name } } } } }
"""
_CANCEL = """
mutation($id: String!) { cancelPartitionBackfill(backfillId: $id) { __typename } }
"""
_STATE = """
query($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill {
  status assetBackfillData { assetBackfillStatuses { ... on AssetPartitionsStatusCounts {
    assetKey { path } numPartitionsMaterialized numPartitionsFailed numPartitionsInProgress } } }
} } }
"""
_PARTITIONS = """
query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
  assetPartitionStatuses { ... on DefaultPartitionStatuses {
    materializedPartitions failedPartitions materializingPartitions } } } } }
"""
_EVENTS = """
query($key: AssetKeyInput!, $partitions: [String!], $limit: Int) {
  assetNodeOrError(assetKey: $key) { ... on AssetNode {
    found: %s(partitions: $partitions, limit: $limit) {
      partition timestamp description metadataEntries {
        label
        ... on TextMetadataEntry { text } ... on MarkdownMetadataEntry { mdStr }
        ... on IntMetadataEntry { intValue } ... on FloatMetadataEntry { floatValue }
        ... on BoolMetadataEntry { boolValue } ... on TimestampMetadataEntry { seconds: timestamp }
      } } } } }
"""
_VALUES = ("text", "mdStr", "intValue", "floatValue", "boolValue", "seconds")


@dataclass(frozen=True)
class Shown:
    """An event of an asset's partition, as the asset's page shows it."""

    partition: str
    description: str
    metadata: dict[str, Any]


class Webserver:
    """A running webserver."""

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def address(self) -> str:
        """Return the base URL, as the CLI commands take it."""
        return self._url.removesuffix("/graphql")

    def answers(self) -> bool:
        """Return whether it answers a query."""
        try:
            return bool(self._ask("{ version }"))
        except (OSError, ValueError):
            return False

    def launch_backfill(self, assets: Sequence[str], partitions: Sequence[str]) -> str:
        """Start a backfill of these partitions, and return its id."""
        wanted = [{"path": [asset]} for asset in assets]
        parameters = {"assetSelection": wanted, "partitionNames": list(partitions)}
        answer = self._ask(_BACKFILL, p=parameters)["launchPartitionBackfill"]
        return str(answer["backfillId"])

    def launch_job(self, job: str, config: dict[str, Any], **tags: str) -> str:
        """Start a run of a job, and return its id. Raises ValueError if it is refused."""
        (repository,) = self._ask(_LOCATIONS)["repositoriesOrError"]["nodes"]
        parameters = {
            "selector": {
                "jobName": job,
                "repositoryName": repository["name"],
                "repositoryLocationName": repository["location"]["name"],
            },
            "runConfigData": config,
            "executionMetadata": {"tags": [{"key": k, "value": v} for k, v in tags.items()]},
        }
        answer = self._ask(_LAUNCH, p=parameters)["launchRun"]
        if "run" not in answer:
            raise ValueError(json.dumps(answer)[:800])
        return str(answer["run"]["runId"])

    def cancel_backfill(self, backfill: str) -> None:
        """Cancel a backfill."""
        self._ask(_CANCEL, id=backfill)

    def backfill_status(self, backfill: str) -> str:
        """Return the status of a backfill; it is REQUESTED while the backfill runs."""
        return str(self._state(backfill)["status"])

    def backfill_counts(self, backfill: str, asset: str) -> tuple[int, int, int]:
        """Return a backfill's partition counts of an asset: materialized, failed, in progress."""
        for counts in self._state(backfill)["assetBackfillData"]["assetBackfillStatuses"]:
            if counts["assetKey"]["path"] == [asset]:
                return (
                    counts["numPartitionsMaterialized"],
                    counts["numPartitionsFailed"],
                    counts["numPartitionsInProgress"],
                )
        return 0, 0, 0

    def partition_states(self, asset: str) -> dict[str, str]:
        """Return the status by partition, as the asset's page shows it. Leaves out missing ones."""
        node = self._ask(_PARTITIONS, key={"path": [asset]})["assetNodeOrError"]
        shown = node["assetPartitionStatuses"]
        return {
            **dict.fromkeys(shown["materializedPartitions"], "materialized"),
            **dict.fromkeys(shown["failedPartitions"], "failed"),
            **dict.fromkeys(shown["materializingPartitions"], "in progress"),
        }

    def observations(self, asset: str, partitions: Sequence[str]) -> dict[str, Shown]:
        """Return the last observation by partition, for those of these partitions that have one."""
        found = self._events("assetObservations", asset, partitions)
        return {shown.partition: shown for shown in reversed(found)}

    def materializations(self, asset: str, partition: str) -> list[Shown]:
        """Return the materializations of a partition, newest first."""
        return self._events("assetMaterializations", asset, [partition])

    def _events(self, kind: str, asset: str, partitions: Sequence[str]) -> list[Shown]:
        key = {"path": [asset]}
        told = self._ask(_EVENTS % kind, key=key, partitions=list(partitions), limit=1000)
        return [_shown(event) for event in told["assetNodeOrError"]["found"]]

    def _state(self, backfill: str) -> dict[str, Any]:
        return self._ask(_STATE, id=backfill)["partitionBackfillOrError"]

    def _ask(self, query: str, **variables: Any) -> dict[str, Any]:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(self._url, body, {"Content-Type": "application/json"})
        try:
            with _DIRECT.open(request, timeout=120) as reply:
                answer = json.loads(reply.read())
        except urllib.error.HTTPError as error:
            raise ValueError(error.read().decode()[:800]) from error
        if answer.get("errors"):
            raise ValueError(json.dumps(answer["errors"])[:800])
        return answer["data"]


def _shown(event: dict[str, Any]) -> Shown:
    metadata = {
        entry["label"]: next((entry[name] for name in _VALUES if name in entry), None)
        for entry in event["metadataEntries"]
    }
    return Shown(event["partition"] or "", event["description"] or "", metadata)
