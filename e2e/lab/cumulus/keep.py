#!/usr/bin/python3
"""Copies the databases of a running cloud, each as it is at one instant."""
import glob
import os
import sqlite3
import sys

source, target = sys.argv[1:]
for path in glob.glob(f"{source}/*.db"):
    copy = sqlite3.connect(os.path.join(target, os.path.basename(path)))
    sqlite3.connect(path).backup(copy)
    copy.execute("PRAGMA journal_mode=WAL")
    copy.close()
