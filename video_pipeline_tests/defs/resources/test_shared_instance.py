"""Ticks in one process use one Dagster instance, also through a sensor that Dagster has copied."""

from pathlib import Path

import dagster as dg
from dagster._core.instance.ref import InstanceRef

from video_pipeline.defs.partitions import VIDEOS_NAME
from video_pipeline.defs.ticks import running_sensor


@dg.op
def _nothing() -> None: ...


@dg.job
def _job() -> None:
    _nothing()


def test_ticks_of_a_home_share_one_instance(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    used: list[dg.DagsterInstance] = []

    @running_sensor(job=_job, minimum_interval_seconds=7)
    def mine(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        used.append(context.instance)
        return dg.SkipReason(context.instance.root_directory)

    copied = mine.with_updated_job(_job)
    assert (copied.name, copied.minimum_interval_seconds) == ("mine", 7)
    (tmp_path / "other").mkdir()
    with dg.DagsterInstance.from_config(str(tmp_path / "other")) as other:
        for one in (instance, instance, other):
            # As it reaches a code server.
            ref = dg.deserialize_value(dg.serialize_value(one.get_ref()), InstanceRef)
            with dg.build_sensor_context(instance_ref=ref) as context:
                assert copied.evaluate_tick(context).skip_message == one.root_directory
    assert used[0] is used[1]
    assert used[2] is not used[1]
    assert used[1].has_dynamic_partition(VIDEOS_NAME, "acme/talk"), "open after its ticks"
