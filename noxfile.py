"""The tests on the newest and on the oldest releases that pyproject.toml admits.

Run: pip install nox && nox
"""

import nox

OLDEST = "tests/oldest.txt"

nox.options.sessions = ["newest", "oldest"]


@nox.session
def newest(session: nox.Session) -> None:
    session.install(".[test]")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def oldest(session: nox.Session) -> None:
    session.install("-c", OLDEST, ".[test]")
    session.run("python", "-m", "pytest", *session.posargs)
