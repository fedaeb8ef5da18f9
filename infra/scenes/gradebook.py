"""The gradebook: a small backend that reports by Sentry's SDK, and has a mistake in it. It runs as a process."""

import os
from dataclasses import dataclass

import sentry_sdk


class ReportCardFailed(Exception):
    """A student gets no report card."""


@dataclass(frozen=True)
class Student:
    name: str
    marks: dict[str, list[int]]


STUDENTS = (
    Student("Mia", {"Science": [1, 2, 2], "Music": [1]}),
    Student("Noah", {"Science": [3, 2], "Music": []}),
)
# Something secret, as every backend has it, and every stack that is reported.
DATABASE = {"host": "db.school.example", "password": "5ca1ab1e"}


def main() -> None:
    sentry_sdk.init(dsn=os.environ["DSN"], release="gradebook@3.4.1", environment="production")
    sentry_sdk.set_user({"id": "teacher-4"})
    sentry_sdk.set_tag("term", "autumn")
    print_cards(DATABASE)


def print_cards(database: dict[str, str]) -> None:
    sentry_sdk.add_breadcrumb(category="query", message=f"The marks are read from {database['host']}")
    for student in STUDENTS:
        print(student.name, report_card(student))
        sentry_sdk.add_breadcrumb(category="grades", message=f"The card of {student.name} is printed")


def report_card(student: Student) -> dict[str, float]:
    try:
        return {subject: mean(marks) for subject, marks in student.marks.items()}
    except ZeroDivisionError as error:
        raise ReportCardFailed("There is a subject without marks") from error


def mean(marks: list[int]) -> float:
    return sum(marks) / len(marks)


if __name__ == "__main__":
    main()
