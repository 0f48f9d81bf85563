"""Blocks for clouds and databases, with the names and methods that Prefect's collections have. Each needs an extra of its own.

    gcp            towpath[gcp]           GcpCredentials, GcsBucket
    aws            towpath[aws]           AwsCredentials, MinIOCredentials, S3Bucket
    sqlalchemy     towpath[sqlalchemy]    SqlAlchemyConnector, DatabaseCredentials

What an extra brings is imported when it is used, so that any machine can load, show and register these blocks.
"""
