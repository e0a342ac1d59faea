"""The catalogue in MongoDB: its projects and, for each, the repositories bound to it."""

from functools import cached_property

from pydantic import TypeAdapter, ValidationError
from pymongo import MongoClient
from pymongo.database import Database

from video_pipeline.catalog.admissions import MongoAdmissions
from video_pipeline.catalog.arrivals import MongoArrivals
from video_pipeline.catalog.events import MongoEvents
from video_pipeline.catalog.results import MongoResults
from video_pipeline.catalog.schema import ensure_schema
from video_pipeline.catalog.scoped import Document, ProjectDatabase, address_of, translated
from video_pipeline.catalog.standings import MongoStandings
from video_pipeline.catalog.units import MongoUnits
from video_pipeline.catalog.videos import MongoVideos
from video_pipeline.domain.errors import IdentityError
from video_pipeline.domain.identity import ProjectId

_PROJECT = TypeAdapter(ProjectId)


class MongoProject:
    """Implements ProjectCatalog."""

    def __init__(self, database: ProjectDatabase) -> None:
        self.project: ProjectId = database.project
        self.videos = MongoVideos(database)
        self.arrivals = MongoArrivals(database)
        self.results = MongoResults(database)
        self.standings = MongoStandings(database)
        self.events = MongoEvents(database)
        self.units = MongoUnits(database)


class MongoCatalog:
    """Implements Catalog. Making one touches no network; its first use creates the schema.

    Times are kept to the millisecond.
    """

    def __init__(self, client: MongoClient[Document], database: str) -> None:
        self._client, self._name = client, database

    def projects(self) -> list[ProjectId]:
        with translated(address_of(self._client)):
            found = [
                self._database[name].distinct("project_id") for name in ("videos", "rejections")
            ]
        return sorted({project for names in found for project in names})

    def project(self, project: str) -> MongoProject:
        """Raises IdentityError for what is no project id, CatalogUnavailable."""
        try:
            checked = _PROJECT.validate_python(project, strict=True)
        except ValidationError as error:
            raise IdentityError(
                f"{project!r} is no project id",
                remedy="Use lower-case letters, digits and hyphens, at most 63.",
            ) from error
        return MongoProject(ProjectDatabase(self._database, checked))

    @property
    def admissions(self) -> MongoAdmissions:
        """What all projects share. Raises CatalogUnavailable."""
        return MongoAdmissions(self._database)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    @cached_property
    def _database(self) -> Database[Document]:
        database = self._client[self._name]
        ensure_schema(database)
        return database
