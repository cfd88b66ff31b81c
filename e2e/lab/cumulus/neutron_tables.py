#!/usr/bin/python3
"""Neutron's migrations do not run on SQLite: make the tables from its models instead."""
import sys

import sqlalchemy
from neutron.db.migration.models import head

engine = sqlalchemy.create_engine(sys.argv[1])
head.get_metadata().create_all(engine)
