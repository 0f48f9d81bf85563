"""Saves the blocks that the flows load. What they hold comes from the environment, so that no secret is in this file."""

import os

from pydantic import SecretStr

from towpath.contrib.gcp import GcpCredentials, GcsBucket
from towpath.contrib.sqlalchemy import ConnectionComponents, SqlAlchemyConnector, SyncDriver
from towpath.filesystems import GitHub


def main() -> None:
    """Saves `gcs-bucket/lake`, `sqlalchemy-connector/warehouse` and `github/dev`."""
    given = os.environ
    key = given.get("GCP_SERVICE_ACCOUNT_INFO")
    credentials = GcpCredentials.model_validate({"service_account_info": key} if key else {"project": "rides"})
    GcsBucket(bucket=given["RIDES_BUCKET"], gcp_credentials=credentials).save("lake", overwrite=True)
    password = given.get("WAREHOUSE_PASSWORD")
    warehouse = ConnectionComponents(
        driver=SyncDriver.POSTGRESQL_PSYCOPG,
        host=given.get("WAREHOUSE_HOST", "127.0.0.1"),
        port=int(given.get("WAREHOUSE_PORT", "5432")),
        database=given["WAREHOUSE_DATABASE"],
        username=given["WAREHOUSE_USER"],
        password=SecretStr(password) if password else None,
    )
    SqlAlchemyConnector(connection_info=warehouse).save("warehouse", overwrite=True)
    repository = {"repository": given["RIDES_REPOSITORY"], "access_token": given.get("RIDES_TOKEN")}
    GitHub.model_validate(repository).save("dev", overwrite=True)


if __name__ == "__main__":
    main()
