"""The tags that runs and backfills carry, in Dagster's words and in ours."""

PARTITION_TAG = "dagster/partition"
BACKFILL_TAG = "dagster/backfill"
PROJECT_TAG = "video_pipeline/project"
VIDEO_TAG = "video_pipeline/video"
ONLY_TAG = "video_pipeline/only"
"""What a backfill of a project took up: all, missing, failed or stale."""
PHASES_TAG = "video_pipeline/phases"
"""Of which phases, with commas between them."""

HELD_TAG, WAITING, RELEASED, CANCELLED, TERMINATED = (
    "video_pipeline/held",
    "waiting",
    "released",
    "cancelled",
    "terminated",
)
"""On a run that waits for a provider's job; and what became of it: let go, cancelled with its
backfill, or ended by hand alone."""
UNITS_TAG = "video_pipeline/units"
"""The ids of the work units that a held run waits for, with commas between them."""


KEPT_TAGS = frozenset({BACKFILL_TAG, PARTITION_TAG, PROJECT_TAG, VIDEO_TAG, ONLY_TAG, PHASES_TAG})
"""The tags of a run that go over to the one that goes on in its place."""
