"""Queries to Dagster's GraphQL and its backfills, and the errors of both."""

import json
import time
from pathlib import Path
from types import ModuleType

import pytest
from dagster_graphql.schema import create_schema
from graphql import parse, validate

from video_pipeline.dagster_api import backfills, client, held_runs, materializations
from video_pipeline.dagster_api.backfills import cancel, launch, state
from video_pipeline.dagster_api.client import answer, inlined, over_http, without_webserver
from video_pipeline.domain.errors import ConfigurationError, InputError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.pipeline.backfill.selection import Only, Picked, Wish
from video_pipeline_tests.dagster_api.test_health import serving

PARAMETERS = {
    "title": 'a "quoted" name, ü, {braces} and $dollars',
    "assetSelection": [{"path": ["shots"]}],
    "partitionNames": ["a/b"],
    "tags": [{"key": "k", "value": "v"}],
    "runConfigData": json.dumps({"ops": {"analysis": {"config": {"force": True}}}}),
}


@pytest.mark.parametrize("module", [backfills, materializations])
def test_queries_fit_dagsters_schema(module: ModuleType) -> None:
    schema = create_schema().graphql_schema
    texts = [value for name, value in vars(module).items() if name.isupper()]
    queries = [text for text in texts if isinstance(text, str) and "{" in text]
    assert len(queries) >= 3
    assert [validate(schema, parse(query)) for query in queries] == [[]] * len(queries)


def test_inlined_query_fits_dagsters_schema() -> None:
    schema = create_schema().graphql_schema
    whole = inlined(backfills._LAUNCH, {"params": PARAMETERS})
    assert validate(schema, parse(whole)) == []
    assert "params" not in whole.replace("backfillParams", "")
    runs = inlined(held_runs._RUNS, {"filter": {"tags": []}, "cursor": None})
    assert validate(schema, parse(runs)) == []


def test_ask_names_the_address_without_webserver() -> None:
    with pytest.raises(ConfigurationError, match=r"127\.0\.0\.1:9"):
        over_http("http://127.0.0.1:9")("{ version }", {})


def test_ask_by_a_socks_proxy_names_the_missing_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    with pytest.raises(ConfigurationError, match="socksio"):
        over_http("http://dagster.example")("{ version }", {})


def test_ask_of_a_slow_webserver_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_LONG_SECONDS", 0.3)
    began = time.monotonic()
    with (
        serving(b'{"data": {}}', pause_seconds=0.1) as url,
        pytest.raises(ConfigurationError, match="does not respond: TimeoutError"),
    ):
        over_http(url)("{ version }", {})
    assert time.monotonic() - began < 5


def test_ask_raises_with_the_text_of_an_error_response() -> None:
    with serving(b"no such page", 404) as url:
        with pytest.raises(ConfigurationError, match="refused: 404 no such page"):
            over_http(url)("{ version }", {})
        assert answer(url, "{ version }") is None


@pytest.mark.parametrize("told", [b"<html>", b"[]", b'{"errors": [{"message": "no"}]}'])
def test_ask_refuses_another_response(told: bytes) -> None:
    with serving(told) as url, pytest.raises(ConfigurationError):
        over_http(url)("{ version }", {})


def test_state_of_no_such_backfill() -> None:
    other = {"data": {"partitionBackfillOrError": {"__typename": "BackfillNotFoundError"}}}
    with serving(json.dumps(other).encode()) as url, pytest.raises(InputError, match="xyz"):
        state(over_http(url), "xyz")


def test_state_raises_another_error() -> None:
    told = {"__typename": "PythonError", "message": "the records are locked"}
    body = json.dumps({"data": {"partitionBackfillOrError": told}}).encode()
    with serving(body) as url, pytest.raises(ConfigurationError, match="locked"):
        state(over_http(url), "b1")


def standing(status: str) -> bytes:
    told = {"__typename": "PartitionBackfill", "status": status, "title": None}
    return json.dumps({"data": {"partitionBackfillOrError": told}}).encode()


def test_cancel_does_not_reopen_an_ended_backfill() -> None:
    with serving(standing("COMPLETED_SUCCESS")) as url, pytest.raises(InputError, match="ended"):
        cancel(over_http(url), "b1")
    with serving(standing("CANCELED")) as url:
        cancel(over_http(url), "b1")


def test_ask_without_webserver(tmp_path: Path) -> None:
    (tmp_path / "small.py").write_text("import dagster\ndefs = dagster.Definitions()\n")
    (tmp_path / "workspace.yaml").write_text("load_from: [{python_file: small.py}]")
    ask = without_webserver(tmp_path / "workspace.yaml", {"DAGSTER_HOME": str(tmp_path)})
    runs = "query($n: Int!) { runsOrError(limit: $n) { ... on Runs { results { id } } } }"
    assert ask(runs, {"n": 3}) == {"runsOrError": {"results": []}}


def test_ask_without_webserver_of_a_bad_workspace(tmp_path: Path) -> None:
    (tmp_path / "workspace.yaml").write_text("load_from: nonsense")
    ask = without_webserver(tmp_path / "workspace.yaml", {"DAGSTER_HOME": str(tmp_path)})
    with pytest.raises(ConfigurationError, match="refused"):
        ask("{ version }", {})


def test_ask_without_webserver_ends_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_LONG_SECONDS", 0.01)
    ask = without_webserver(tmp_path / "workspace.yaml", {"DAGSTER_HOME": str(tmp_path)})
    with pytest.raises(ConfigurationError, match="did not respond"):
        ask("{ version }", {})


class Recorded:
    """Responds as Dagster would, and records what is launched."""

    def __init__(self, *partitions: str, most: int = 100) -> None:
        self.partitions, self.most, self.launched = list(partitions), most, []

    def __call__(self, document: str, variables, /):
        if "partitionKeys" in document:
            node = {"__typename": "AssetNode", "partitionKeys": self.partitions}
            return {"assetNodeOrError": node}
        if len(self.launched) == self.most:
            refused = {"__typename": "PythonError", "message": "the records are locked"}
            return {"launchPartitionBackfill": refused}
        self.launched.append(variables["params"])
        made = {"__typename": "LaunchBackfillSuccess", "backfillId": f"b{len(self.launched)}"}
        return {"launchPartitionBackfill": made}


def selected(key: str, *phases: Phase, asked: tuple[Phase, ...] = ()) -> Picked:
    return Picked(VideoKey.parse(key), frozenset(phases), frozenset(asked))


def pairs(params) -> set[tuple[str, str]]:
    assets = [key["path"][0] for key in params["assetSelection"]]
    return {(asset, key) for asset in assets for key in params["partitionNames"]}


def test_launch_takes_exact_pairs_in_few_backfills() -> None:
    ask = Recorded("acme/a", "big-acme/x", "acme/b", "acme/c")
    chosen = [
        selected("acme/a", Phase.TIMELINE, Phase.SHOTS),
        selected("acme/b", Phase.TIMELINE),
        selected("acme/c", Phase.TIMELINE, Phase.SHOTS),
        selected("acme/archived", Phase.TIMELINE),
    ]
    found = launch(ask, Wish("acme", only=Only.STALE), chosen)
    assert (found.backfills, found.left_out) == (("b1", "b2"), ("acme/archived",))
    first, second = map(pairs, ask.launched)
    assert first == {(p, v) for p in ("shots", "timeline") for v in ("acme/a", "acme/c")}
    assert second == {("timeline", "acme/b")}
    params = ask.launched[0]
    tags = {tag["key"]: tag["value"] for tag in params["tags"]}
    assert tags == {
        "video_pipeline/project": "acme",
        "video_pipeline/only": "stale",
        "video_pipeline/phases": "every phase",
    }
    assert "runConfigData" not in params


def test_force_is_config_of_steps_with_a_provider() -> None:
    ask = Recorded("acme/a")
    wish = Wish("acme", frozenset({Phase.SHOTS}), Only.ALL, force=True)
    launch(ask, wish, [selected("acme/a", Phase.SHOTS, Phase.TIMELINE, asked=(Phase.SHOTS,))])
    (params,) = ask.launched
    assert json.loads(params["runConfigData"]) == {"ops": {"analysis": {"config": {"force": True}}}}
    assert params["title"] == "acme: all by force"


def test_launch_splits_a_large_selection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfills, "MOST_VIDEOS", 2)
    keys = [f"acme/{n}" for n in range(5)]
    ask = Recorded(*keys)
    found = launch(ask, Wish("acme"), [selected(key, Phase.SHOTS) for key in keys])
    assert found.backfills == ("b1", "b2", "b3")
    assert [one["title"] for one in ask.launched] == [f"acme: all ({n} of 3)" for n in (1, 2, 3)]


def test_failed_launch_names_those_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backfills, "MOST_VIDEOS", 1)
    ask = Recorded("acme/a", "acme/b", "acme/c", most=2)
    wish = Wish("acme", only=Only.ALL, force=True)
    chosen = [selected(key, Phase.SHOTS) for key in ask.partitions]
    with pytest.raises(ConfigurationError, match=r"3 of 3 .* b1, b2 were launched.*locked"):
        launch(ask, wish, chosen)
