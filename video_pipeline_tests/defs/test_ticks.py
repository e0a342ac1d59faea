"""What every sensor of the pipeline does with its services, MongoDB and time."""

import dagster as dg
import pytest

from video_pipeline.defs.ticks import Result, pipeline_sensor, within
from video_pipeline.domain.errors import CatalogUnavailable, ConfigurationError
from video_pipeline.pipeline.services import Services
from video_pipeline_tests.defs.opened import Opened


def test_sensor_gets_the_services(stage: Opened, instance: dg.DagsterInstance) -> None:
    given: list[Services] = []

    @pipeline_sensor(minimum_interval_seconds=7)
    def mine(context: dg.SensorEvaluationContext, services: Services) -> dg.SkipReason:
        given.append(services)
        return dg.SkipReason(context.cursor or "")

    context = dg.build_sensor_context(
        instance=instance, cursor="after", resources={"pipeline": stage}
    )
    assert mine(context) == dg.SkipReason("after")
    assert given == [stage.services]
    assert (mine.name, mine.minimum_interval_seconds) == ("mine", 7)
    assert mine.default_status is dg.DefaultSensorStatus.RUNNING
    assert mine.required_resource_keys == {"pipeline"}


def test_sensor_skips_without_mongodb(stage: Opened, instance: dg.DagsterInstance) -> None:
    @pipeline_sensor()
    def mine(context: dg.SensorEvaluationContext, services: Services) -> dg.SkipReason:
        raise CatalogUnavailable("MongoDB does not answer", remedy="Start it.")

    context = dg.build_sensor_context(instance=instance, resources={"pipeline": stage})
    skipped = mine(context)
    assert isinstance(skipped, dg.SkipReason)
    assert skipped.skip_message == "MongoDB does not answer. Start it."


@pytest.mark.parametrize(
    ("result", "told"),
    [
        (dg.SkipReason("nothing new"), "line 3: it is wrong. Mend it.\nnothing new"),
        (dg.SensorResult(skip_reason="nothing new"), "line 3: it is wrong. Mend it.\nnothing new"),
        (dg.SensorResult(cursor="after"), "line 3: it is wrong. Mend it."),
        # Dagster takes run requests or a message.
        (dg.SensorResult(run_requests=[dg.RunRequest()]), None),
    ],
)
def test_message_begins_with_the_problem_of_the_file(
    stage: Opened, instance: dg.DagsterInstance, result: Result, told: str | None
) -> None:
    @pipeline_sensor()
    def mine(context: dg.SensorEvaluationContext, services: Services) -> Result:
        return result

    stage.problem = ConfigurationError("it is wrong", where="line 3", remedy="Mend it.")
    found = mine(dg.build_sensor_context(instance=instance, resources={"pipeline": stage}))
    if isinstance(found, dg.SensorResult):
        assert isinstance(result, dg.SensorResult)
        assert (found.run_requests, found.cursor) == (result.run_requests, result.cursor)
        found = found.skip_reason
    assert (found.skip_message if isinstance(found, dg.SkipReason) else None) == told


def test_within_yields_one_item_when_late() -> None:
    assert list(within(-1, "abc")) == ["a"]
    assert list(within(60, "abc")) == ["a", "b", "c"]
