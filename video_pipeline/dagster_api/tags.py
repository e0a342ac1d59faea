"""The tags of runs and backfills: Dagster's and ours."""

PARTITION_TAG = "dagster/partition"
BACKFILL_TAG = "dagster/backfill"
PROJECT_TAG = "video_pipeline/project"
# The name under which a video was delivered: its partition may be a slug of that.
NAME_TAG = "video_pipeline/name"
# What a backfill of a project re-runs (all, missing, failed or stale), and its phases, by commas.
ONLY_TAG = "video_pipeline/only"
PHASES_TAG = "video_pipeline/phases"

# On a run that waits for a provider's job, and its end: released, cancelled with its backfill, or
# terminated by hand alone.
HELD_TAG, WAITING, RELEASED, CANCELLED, TERMINATED = (
    "video_pipeline/held",
    "waiting",
    "released",
    "cancelled",
    "terminated",
)
# The ids of the work units that a held run waits for, by commas.
UNITS_TAG = "video_pipeline/units"

# The tags of a run that the run made in its place takes over.
KEPT_TAGS = frozenset({BACKFILL_TAG, PARTITION_TAG, PROJECT_TAG, NAME_TAG, ONLY_TAG, PHASES_TAG})
