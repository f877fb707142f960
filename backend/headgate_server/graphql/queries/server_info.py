"""What answers."""

import strawberry

from headgate_server.graphql.permissions import ANY_CREDENTIAL, scoped_field
from headgate_server.graphql.types.server_info import ServerInfo, server_info


@strawberry.type
class ServerInfoQueries:
    @scoped_field(requires=ANY_CREDENTIAL, description="What this server is.")
    def server_info(self) -> ServerInfo:
        return server_info()
