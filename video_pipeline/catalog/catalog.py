"""The catalogue in MongoDB: its projects, and the repositories of each."""

from pydantic import TypeAdapter, ValidationError
from pymongo import MongoClient
from pymongo.database import Database

from video_pipeline.catalog.admissions import Admissions
from video_pipeline.catalog.arrivals import Arrivals
from video_pipeline.catalog.events import Events
from video_pipeline.catalog.results import Results
from video_pipeline.catalog.schema import ensure_schema
from video_pipeline.catalog.scoped import Document, ProjectDatabase, address_of, translated
from video_pipeline.catalog.standings import Standings
from video_pipeline.catalog.units import Units
from video_pipeline.catalog.videos import Videos
from video_pipeline.domain.errors import IdentityError
from video_pipeline.domain.naming.identity import ProjectId

_PROJECT = TypeAdapter(ProjectId)


class ProjectCatalog:
    """All repositories of one project.

    None of their methods reads or writes another project's data. All raise CatalogUnavailable if
    MongoDB does not answer. Times are aware datetimes in UTC.
    """

    def __init__(self, database: ProjectDatabase) -> None:
        self.project: ProjectId = database.project
        self.videos = Videos(database)
        self.arrivals = Arrivals(database)
        self.results = Results(database)
        self.standings = Standings(database)
        self.events = Events(database)
        self.units = Units(database)


class Catalog:
    """The catalogue of a deployment.

    Making one touches no network; its first use creates the schema. Times are kept to the
    millisecond.
    """

    def __init__(self, client: MongoClient[Document], database: str) -> None:
        self._client, self._name = client, database
        self._has_schema = False

    def projects(self) -> list[ProjectId]:
        """Return every project that has a video or a rejection, in order."""
        with translated(address_of(self._client)):
            found = [
                self._database[name].distinct("project_id") for name in ("videos", "rejections")
            ]
        return sorted({project for names in found for project in names})

    def each(self) -> list[ProjectCatalog]:
        """Return the repositories of every project, in order."""
        return [self.project(project) for project in self.projects()]

    def project(self, project: str) -> ProjectCatalog:
        """Return the repositories of one project.

        Raises IdentityError for an invalid project id, and CatalogUnavailable.
        """
        try:
            checked = _PROJECT.validate_python(project, strict=True)
        except ValidationError as error:
            raise IdentityError(
                f"{project!r} is no project id",
                remedy="Use lower-case letters, digits and hyphens, at most 63.",
            ) from error
        return ProjectCatalog(ProjectDatabase(self._database, checked))

    @property
    def admissions(self) -> Admissions:
        """Return what all projects share. Raises CatalogUnavailable."""
        return Admissions(self._database)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    @property
    def _database(self) -> Database[Document]:
        """Return the database with its schema.

        Threads check it side by side: behind one that waits for a server, each would wait longer.
        """
        database = self._client[self._name]
        if not self._has_schema:
            ensure_schema(database)
            self._has_schema = True
        return database
