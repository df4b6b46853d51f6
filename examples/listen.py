"""Submits a page with SQL and listens for its end: python3 listen.py https://example.com/

Needs, once: alter table jobs enable trigger jobs_notify;
"""
import os
import select
import sys

import psycopg2

connection = psycopg2.connect(os.environ.get("DATABASE_URL", "postgresql:///shotfleet"))
connection.autocommit = True
cursor = connection.cursor()
cursor.execute("listen shotfleet_jobs")
cursor.execute("select submit_capture(%s)", (sys.argv[1],))
job, = cursor.fetchone()
while True:
    select.select([connection], [], [])
    connection.poll()
    while connection.notifies:
        ended, status = connection.notifies.pop(0).payload.split()
        if ended == job:
            cursor.execute("select coalesce(image_key, error) from jobs where id = %s",
                           (job,))
            print(status, *cursor.fetchone())
            sys.exit(status != "completed")
