"""What every sensor of the pipeline does with its services, MongoDB and time."""

import dagster as dg

from video_pipeline.defs.ticks import pipeline_sensor, within
from video_pipeline.domain.errors import CatalogUnavailable
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


def test_within_yields_one_item_when_late() -> None:
    assert list(within(-1, "abc")) == ["a"]
    assert list(within(60, "abc")) == ["a", "b", "c"]
