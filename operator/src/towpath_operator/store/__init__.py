"""The database: tables, migrations, and the functions that read and write rows. The only importer of SQLAlchemy.

Called by services, which decide; functions here take a Reader or a Transaction and neither judge nor commit by themselves.
"""
