"""One name for the requests to an endpoint, and names of their own for different endpoints."""

import time

import pytest

from chalicelib import endpoints


@pytest.mark.parametrize(
    ("endpoint", "name"),
    [
        ("POST https://shop.example.com/orders/1234?page=2#top", "POST /orders/*"),
        ("/orders/68/", "/orders/*"),
        ("/calendar/2026-11-22", "/calendar/*"),
        ("/proofs/0f8fad5b-d9cb-469f-a165-70867728950e/pages", "/proofs/*/pages"),
        ("/proofs/0F8FAD5BD9CB469FA16570867728950E", "/proofs/*"),
        ("/commits/3f2a99b1", "/commits/*"),
        ("/students/507f1f77bcf86cd799439011", "/students/*"),
        ("/users/kim@example.com", "/users/*"),
        ("/users/Xk29dLq0PzVw8hT3yNs7fRb1uC42", "/users/*"),
        ("/users/01JD9ZQ4TSZM2C8K7V5W3X1Y0R", "/users/*"),
        ("/users/V1StGXR8_Z5jdHi6B-myT", "/users/*"),
        ("/users/cjld2cjxh0000qzrmn831i7rn", "/users/*"),
        ("/payments/pi_3MtwBwLkdIwHu7ix28a3tqPa", "/payments/*"),
        ("/order-12345/receipt", "/*/receipt"),
        ("/orders/order-68/receipt", "/orders/*/receipt"),
        (f"/files/{'x' * 41}", "/files/*"),
        ("/orders/a|b", "/orders/a/b"),
        ("?a=1", ""),
    ],
)
def test_what_names_one_thing_among_many_is_left_out(endpoint: str, name: str) -> None:
    assert endpoints.named(endpoint) == name


@pytest.mark.parametrize(
    "endpoint",
    [
        "POST /api/s3-presigned-upload",
        "/homework-week-12-review",
        "/homework-2026-week-12-review",
        "getStudentHomework2",
        "getStudentHomework2026",
        "/api/oauth2-authorization",
        "/api/oauth2CallbackV2",
        "/api/students_by_grade_v2",
        "/api/STUDENTS_BY_GRADE_2026_V2",
        "/math-101/list",
        "GET /math-101/list",
        "/face-2-face",
        "/level-2/start",
        "/courses/level-2/start",
        "/api/v1/web3/mp3",
        "/facade/deadbeef",
        "/v1.2/status",
        "/students/:student_id",
        "/students/{id}/proofs/[proof]",
    ],
)
def test_what_is_a_route_keeps_its_name(endpoint: str) -> None:
    assert endpoints.named(endpoint) == endpoint


def test_names_hold_a_hundred_bytes() -> None:
    name = endpoints.named("/\U0001f600" * 40)
    assert 90 < len(name.encode()) <= 100
    assert set(name) == {"/", "\U0001f600"}


@pytest.mark.parametrize("hostile", ["1-", "a.", "aaaa1", "A1", "1a-", "-", "@", "a", "0", "/a-11", " ", "ab12_"])
def test_names_take_linear_time(hostile: str) -> None:
    begin = time.process_time()
    endpoints.named(hostile * 10_000)
    assert time.process_time() - begin < 0.02
