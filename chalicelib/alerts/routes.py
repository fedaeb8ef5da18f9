"""`/alerts`: who is told of what, by which channels, and what they were told."""

from chalice.app import Blueprint

from chalicelib import clock, idempotency
from chalicelib.alerts import delivering, history, rules
from chalicelib.alerts.delivering import RuleTest
from chalicelib.alerts.history import AlertView, HistoryQuery
from chalicelib.alerts.rules import NewRule, RuleChange, RuleView
from chalicelib.errors import Conflict, InvalidCursor, RuleNotFound
from chalicelib.identity import Identity, admin
from chalicelib.operations import operation
from chalicelib.paging import Page, PageQuery

alerts = Blueprint(__name__)


@alerts.route("/alerts", methods=["GET"])
@operation(admin, raises=[InvalidCursor])
def list_alerts(_: Identity, query: HistoryQuery) -> Page[AlertView]:
    """Those sent or held back, the newest first."""
    return history.page(query, clock.now())


@alerts.route("/alerts/rules", methods=["GET"])
@operation(admin, raises=[InvalidCursor])
def list_rules(_: Identity, query: PageQuery) -> Page[RuleView]:
    """The three that are always there, then the others, the oldest first."""
    return rules.page(query.limit, query.cursor)


@alerts.route("/alerts/rules", methods=["POST"])
@operation(admin, status=201, raises=[Conflict], idempotent=True)
def make_rule(identity: Identity, body: NewRule) -> RuleView:
    """There may be a hundred. What is secret of its channels is never shown again."""
    made = rules.make(body, identity.subject, clock.now(), idempotency.id_for(identity.subject))
    rules.forget()
    return made


@alerts.route("/alerts/rules/{rule_id}", methods=["GET"])
@operation(admin, raises=[RuleNotFound])
def get_rule(_: Identity, rule_id: str) -> RuleView:
    return rules.show(rules.existing(rule_id))


@alerts.route("/alerts/rules/{rule_id}", methods=["PATCH"])
@operation(admin, raises=[RuleNotFound])
def change_rule(identity: Identity, rule_id: str, body: RuleChange) -> RuleView:
    """Containers follow within seconds. One of the three that was deleted is there again."""
    changed = rules.change(rule_id, body, identity.subject, clock.now())
    rules.forget()
    return changed


@alerts.route("/alerts/rules/{rule_id}", methods=["DELETE"])
@operation(admin)
def delete_rule(identity: Identity, rule_id: str) -> None:
    """Safe to repeat."""
    rules.delete(rule_id, identity.subject, clock.now())
    rules.forget()


@alerts.route("/alerts/rules/{rule_id}/test", methods=["POST"])
@operation(admin, raises=[RuleNotFound])
def send_test(_: Identity, rule_id: str) -> RuleTest:
    """Sends a test alert by each of its channels at once, and tells what came of it."""
    return delivering.send_test(rules.existing(rule_id), clock.now())
