"""Who is asking."""

import strawberry

from headgate_server.graphql.permissions import ANY_CREDENTIAL, scoped_field
from headgate_server.graphql.types.viewer import Viewer


@strawberry.type
class ViewerQueries:
    @scoped_field(requires=ANY_CREDENTIAL, description="The caller.")
    def viewer(self) -> Viewer:
        return Viewer()
