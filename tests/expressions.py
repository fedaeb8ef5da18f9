"""Expressions: DynamoDB's values, conditions and updates, as far as PynamoDB and Powertools write them.

Anything else is NotUnderstood. Where documentation is silent, what was seen at AWS itself counts, as recorded by
https://github.com/paritysuite/dynamodb-conformance and https://github.com/scylladb/scylladb/tree/master/test/alternator
"""

import operator
import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow, Subnormal
from functools import cache, partial
from typing import Any, Final, NamedTuple, Self

Value = dict[str, Any]
Item = dict[str, Value]

MAX_NESTED: Final = 32
MAX_EXPRESSION: Final = 4096


class NotUnderstood(BaseException):
    """Something that is not known here was asked for. No Exception, so that no code under test can take it for one."""


class Refused(Exception):
    """What AWS answers in place of a result."""

    def __init__(self, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.code = code
        self.response = {"Error": {"Code": code, "Message": message}, **more}


class Invalid(Refused):
    """The request is wrong, whatever the tables hold."""

    def __init__(self, message: str) -> None:
        super().__init__("ValidationException", message)


class Unfit(Refused):
    """A write does not fit its item; in a transaction, that is a reason to cancel it."""

    def __init__(self, message: str, code: str = "ValidationException", **more: Any) -> None:
        super().__init__(code, message, **more)

    @property
    def reason(self) -> dict[str, Any]:
        code = "ConditionalCheckFailed" if self.code == "ConditionalCheckFailedException" else "ValidationError"
        item = {"Item": self.response["Item"]} if "Item" in self.response else {}
        return {"Code": code, "Message": str(self), **item}


# -- values -----------------------------------------------------------------------------------------------------------

# Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_NUMBERS: Final = Context(prec=38, Emin=-130, Emax=125, traps=[Inexact, InvalidOperation, Overflow, Subnormal])


def _number(text: str) -> str:
    """A number as DynamoDB gives it back, so that equal ones are equal."""
    if not _NUMBER.fullmatch(text):
        raise Invalid(f"The parameter cannot be converted to a numeric value: {text}")
    try:
        return _plain(_NUMBERS.create_decimal(text))
    except DecimalException:
        raise Invalid("A number has more than 38 significant digits, or its magnitude is not supported") from None


def _plain(number: Decimal) -> str:
    return format(number.normalize(_NUMBERS), "f") if number else "0"


def _kept(value: Value, level: int = 1) -> Value:
    """A value as it is kept, which shares nothing with the one that came in."""
    if level > MAX_NESTED:
        raise Invalid("Nesting Levels have exceeded supported limits")
    if not isinstance(value, dict) or len(value) != 1:
        raise NotUnderstood(f"no value: {value}")
    ((kind, content),) = value.items()
    match kind:
        case "S" | "B" | "BOOL" | "NULL":
            return {kind: content}
        case "N":
            return {kind: _number(content)}
        case "SS" | "BS" | "NS":
            return {kind: _set(kind, content)}
        case "L":
            return {kind: [_kept(each, level + 1) for each in content]}
        case "M":
            return {kind: {name: _kept(each, level + 1) for name, each in content.items()}}
    raise NotUnderstood(f"no value: {value}")


def _set(kind: str, content: Sequence[Any]) -> list[Any]:
    elements = [_number(each) for each in content] if kind == "NS" else content
    if not elements:
        raise Invalid("One or more parameter values were invalid: a set may not be empty")
    if len(set(elements)) < len(elements):
        raise Invalid("One or more parameter values were invalid: Input collection contains duplicates")
    return _sorted_set(kind, elements)


def _sorted_set(kind: str, elements: Sequence[Any]) -> list[Any]:
    return sorted(elements, key=Decimal) if kind == "NS" else sorted(elements)


def taken(item: Item) -> Item:
    return {name: _kept(value) for name, value in item.items()}


def _copy(value: Value) -> Value:
    ((kind, content),) = value.items()
    if kind == "L":
        return {kind: [_copy(each) for each in content]}
    if kind == "M":
        return {kind: {name: _copy(each) for name, each in content.items()}}
    return {kind: content[:] if isinstance(content, list) else content}


def copied(item: Item) -> Item:
    return {name: _copy(value) for name, value in item.items()}


# -- their grammar -----------------------------------------------------------------------------------------------------
# Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html

_TOKEN: Final = re.compile(r"[#:][A-Za-z0-9_]+|[A-Za-z_]+|<>|<=|>=|[=<>(),+-]")
_COMPARED: Final = ("=", "<>", "<", "<=", ">", ">=")
_TESTS: Final = {"attribute_exists": 1, "attribute_not_exists": 1, "begins_with": 2, "contains": 2}
_MEASURES: Final = {"size": 1}
_MAKERS: Final = {"if_not_exists": 2, "list_append": 2}

_Tokens = deque[str]


class Node(NamedTuple):
    """An operator, function or clause, and what it is applied to; "#" and ":" stand for an attribute and a value."""

    operator: str
    operands: tuple[Any, ...]


@cache
def _parsed(grammar: Callable[[_Tokens], Node], text: str) -> tuple[Node, frozenset[str]]:
    """An expression, and the placeholders in it."""
    if len(text) > MAX_EXPRESSION:
        raise Invalid("Invalid expression: Expression size has exceeded the maximum allowed size")
    tokens: _Tokens = deque(_TOKEN.findall(text))
    if "".join(tokens) != "".join(text.split()):
        raise NotUnderstood(text)
    placeholders = frozenset(token for token in tokens if token[0] in "#:")
    tokens.append("")
    node = grammar(tokens)
    _expect(tokens, "")
    return node, placeholders


def _take(tokens: _Tokens, token: str) -> bool:
    if tokens[0] != token:
        return False
    tokens.popleft()
    return True


def _expect(tokens: _Tokens, token: str) -> None:
    if not _take(tokens, token):
        raise NotUnderstood(f"{tokens[0]!r} where {token!r} was expected")


def _listed(tokens: _Tokens, part: Callable[[_Tokens], Any]) -> tuple[Any, ...]:
    parts = [part(tokens)]
    while _take(tokens, ","):
        parts.append(part(tokens))
    return tuple(parts)


def _condition(tokens: _Tokens) -> Node:
    node = _conjunction(tokens)
    while _take(tokens, "OR"):
        node = Node("OR", (node, _conjunction(tokens)))
    return node


def _conjunction(tokens: _Tokens) -> Node:
    node = _negation(tokens)
    while _take(tokens, "AND"):
        node = Node("AND", (node, _negation(tokens)))
    return node


def _negation(tokens: _Tokens) -> Node:
    if _take(tokens, "NOT"):
        return Node("NOT", (_negation(tokens),))
    if _take(tokens, "("):
        node = _condition(tokens)
        _expect(tokens, ")")
        return node
    return _call(tokens, _TESTS) or _comparison(tokens)


def _comparison(tokens: _Tokens) -> Node:
    left, comparison = _measured(tokens), tokens.popleft()
    if comparison == "BETWEEN":
        lower = _measured(tokens)
        _expect(tokens, "AND")
        return Node("BETWEEN", (left, lower, _measured(tokens)))
    if comparison == "IN":
        _expect(tokens, "(")
        options = _listed(tokens, _measured)
        _expect(tokens, ")")
        return Node("IN", (left, *options))
    if comparison not in _COMPARED:
        raise NotUnderstood(f"{comparison!r} where a comparison was expected")
    return Node(comparison, (left, _measured(tokens)))


def _measured(tokens: _Tokens) -> Node:
    return _call(tokens, _MEASURES) or _operand(tokens)


def _made(tokens: _Tokens) -> Node:
    return _call(tokens, _MAKERS) or _operand(tokens)


def _operand(tokens: _Tokens) -> Node:
    token = tokens.popleft()
    if token[:1] not in ("#", ":"):
        raise NotUnderstood(f"{token!r} where an attribute or a value was expected")
    return Node(token[0], (token,))


def _attribute(tokens: _Tokens) -> str:
    node = _operand(tokens)
    if node.operator != "#":
        raise NotUnderstood(f"{node} where an attribute was expected")
    return str(node.operands[0])


def _call(tokens: _Tokens, functions: Mapping[str, int]) -> Node | None:
    function = tokens[0]
    if function not in functions:
        return None
    tokens.popleft()
    _expect(tokens, "(")
    operands = _listed(tokens, _made if functions is _MAKERS else _operand)
    _expect(tokens, ")")
    if len(operands) != functions[function] or (operands[0].operator != "#" and function != "list_append"):
        raise NotUnderstood(f"{function}{operands}")
    return Node(function, operands)


def _update(tokens: _Tokens) -> Node:
    actions: list[Node] = []
    while tokens[0]:
        clause = tokens.popleft()
        if clause not in _CLAUSES or any(action.operator == clause for action in actions):
            raise NotUnderstood(f"{clause!r} where a clause was expected, each once")
        actions += [Node(clause, action) for action in _listed(tokens, _CLAUSES[clause])]
    return Node("update", tuple(actions))


def _assignment(tokens: _Tokens) -> tuple[str, Node]:
    name = _attribute(tokens)
    _expect(tokens, "=")
    left = _made(tokens)
    if tokens[0] in ("+", "-"):
        return name, Node(tokens.popleft(), (left, _made(tokens)))
    return name, left


def _change(tokens: _Tokens) -> tuple[str, Node]:
    return _attribute(tokens), _operand(tokens)


_CLAUSES: Final[dict[str, Callable[[_Tokens], tuple[Any, ...]]]] = {
    "SET": _assignment,
    "REMOVE": lambda tokens: (_attribute(tokens),),
    "ADD": _change,
    "DELETE": _change,
}
_GRAMMARS: Final[dict[str, Callable[[_Tokens], Node]]] = {
    "ConditionExpression": _condition,
    "FilterExpression": _condition,
    "KeyConditionExpression": _condition,
    "ProjectionExpression": lambda tokens: Node("projection", _listed(tokens, _attribute)),
    "UpdateExpression": _update,
}


# -- what they mean ----------------------------------------------------------------------------------------------------


class _Scope(NamedTuple):
    """What placeholders stand for, and the item that attributes are of."""

    item: Item
    names: dict[str, str]
    values: Item


_Rank = tuple[str, Any]


def _meaning(node: Node, scope: _Scope) -> Any:
    """Whether a condition holds, or an operand's value: None for an attribute that is not there."""
    return _MEANINGS[node.operator](scope, *node.operands)


def _equal(scope: _Scope, first: Node, *others: Node) -> bool:
    value = _meaning(first, scope)
    # What is missing differs from everything, from what else is missing, too.
    return value is not None and any(value == _meaning(other, scope) for other in others)


def _ordered(compare: Callable[[Any, Any], bool], scope: _Scope, first: Node, second: Node) -> bool:
    left, right = _rank(first, scope), _rank(second, scope)
    return left is not None and right is not None and left[0] == right[0] and compare(left, right)


def _between(scope: _Scope, first: Node, least: Node, most: Node) -> bool:
    if least.operator == most.operator == ":" and not _ordered(operator.le, scope, least, most):
        raise Invalid("The BETWEEN operator requires upper bound to be greater than or equal to lower bound")
    return _ordered(operator.ge, scope, first, least) and _ordered(operator.le, scope, first, most)


def _rank(node: Node, scope: _Scope) -> _Rank | None:
    """A value's type and what orders it; None where it has no order, which a value of the request must have."""
    value = _meaning(node, scope)
    if value is None:
        return None
    ((kind, content),) = value.items()
    if kind in ("S", "B"):
        return kind, content
    if kind == "N":
        return kind, Decimal(content)
    if node.operator == ":":
        raise Invalid(f"Incorrect operand type for operator or function; operand type: {kind}")
    return None


def _begins_with(scope: _Scope, first: Node, second: Node) -> bool:
    value, prefix = _meaning(first, scope), _meaning(second, scope)
    ((kind, content),) = prefix.items()
    if kind not in ("S", "B"):
        raise Invalid(f"Incorrect operand type for operator or function; begins_with, operand type: {kind}")
    return value is not None and kind in value and value[kind].startswith(content)


def _contains(scope: _Scope, first: Node, second: Node) -> bool:
    value, element = _meaning(first, scope), _meaning(second, scope)
    if value is None or element is None:
        return False
    ((kind, content),), ((its_kind, its_content),) = value.items(), element.items()
    if kind == "L":
        return element in content
    return kind == (its_kind if kind in ("S", "B") else f"{its_kind}S") and its_content in content


def _size(scope: _Scope, measured: Node) -> Value | None:
    ((kind, content),) = (_meaning(measured, scope) or {"NULL": True}).items()
    if kind == "S":
        content = content.encode()
    return None if kind in ("N", "BOOL", "NULL") else {"N": str(len(content))}


def _if_not_exists(scope: _Scope, first: Node, second: Node) -> Value | None:
    value: Value | None = _meaning(first, scope)
    return _meaning(second, scope) if value is None else value


def _sum(sign: int, left: Value | None, right: Value | None) -> Value:
    first, second = (Decimal(_content("N", each)) for each in (left, right))
    try:
        return {"N": _plain(_NUMBERS.add(first, sign * second))}
    except DecimalException:
        raise Unfit("Number overflow. The sum has more digits, or a magnitude, than is supported") from None


def _content(kind: str, value: Value | None) -> Any:
    if value is None:
        raise Unfit("The provided expression refers to an attribute that does not exist in the item")
    if kind not in value:
        raise Unfit("An operand in the update expression has an incorrect data type")
    return value[kind]


_MEANINGS: Final[dict[str, Callable[..., Any]]] = {
    "#": lambda scope, name: scope.item.get(scope.names[name]),
    ":": lambda scope, name: scope.values[name],
    "AND": lambda scope, left, right: _meaning(left, scope) and _meaning(right, scope),
    "OR": lambda scope, left, right: _meaning(left, scope) or _meaning(right, scope),
    "NOT": lambda scope, negated: not _meaning(negated, scope),
    "=": _equal,
    "<>": lambda scope, left, right: not _equal(scope, left, right),
    "<": partial(_ordered, operator.lt),
    "<=": partial(_ordered, operator.le),
    ">": partial(_ordered, operator.gt),
    ">=": partial(_ordered, operator.ge),
    "BETWEEN": _between,
    "IN": _equal,
    "attribute_exists": lambda scope, name: _meaning(name, scope) is not None,
    "attribute_not_exists": lambda scope, name: _meaning(name, scope) is None,
    "begins_with": _begins_with,
    "contains": _contains,
    "size": _size,
    "if_not_exists": _if_not_exists,
    "list_append": lambda scope, *both: {"L": [each for part in both for each in _content("L", _meaning(part, scope))]},
    "+": lambda scope, left, right: _sum(1, _meaning(left, scope), _meaning(right, scope)),
    "-": lambda scope, left, right: _sum(-1, _meaning(left, scope), _meaning(right, scope)),
}


def _set_to(_: Value | None, made: Value | None) -> Value:
    if made is None:
        raise Unfit("The provided expression refers to an attribute that does not exist in the item")
    return made


def _added(present: Value | None, more: Value) -> Value:
    ((kind, content),) = more.items()
    if kind == "N":
        return more if present is None else _sum(1, present, more)
    return {kind: _sorted_set(kind, [*{*_elements(kind, present), *content}])}


def _without(present: Value | None, less: Value) -> Value | None:
    ((kind, content),) = less.items()
    kept = [each for each in _elements(kind, present) if each not in content]
    return {kind: kept} if kept else None


def _elements(kind: str, present: Value | None) -> list[Any]:
    """The elements of a set, none if it is not there."""
    if kind not in ("SS", "BS", "NS"):
        raise Invalid(f"Incorrect operand type for operator or function; ADD or DELETE, operand type: {kind}")
    return [] if present is None else list(_content(kind, present))


_CHANGES: Final[dict[str, Callable[..., Value | None]]] = {
    "SET": _set_to,
    "REMOVE": lambda _: None,
    "ADD": _added,
    "DELETE": _without,
}


# -- those of a request -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Expressions:
    """A request's expressions by their parameters, and what their placeholders stand for."""

    nodes: dict[str, Node]
    names: dict[str, str]
    values: Item

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Self:
        """Read the expressions of a request. Raises Invalid where a placeholder is not defined, or not used."""
        parsed = {name: _parsed(grammar, parameters[name]) for name, grammar in _GRAMMARS.items() if name in parameters}
        names = parameters.get("ExpressionAttributeNames", {})
        values = parameters.get("ExpressionAttributeValues", {})
        used = frozenset[str]().union(*(placeholders for _, placeholders in parsed.values()))
        if odd := used ^ (names.keys() | values.keys()):
            raise Invalid(f"An expression attribute name or value is not defined, or unused: {sorted(odd)}")
        return cls({name: node for name, (node, _) in parsed.items()}, names, taken(values))

    def hold(self, name: str, item: Item) -> bool:
        """Whether an item fulfils the condition of that parameter; it does where there is none."""
        return name not in self.nodes or bool(_meaning(self.nodes[name], self._scope(item)))

    def project(self, item: Item) -> Item:
        """What of an item was asked for."""
        if "ProjectionExpression" not in self.nodes:
            return copied(item)
        names = [self.names[name] for name in self.nodes["ProjectionExpression"].operands]
        return copied({name: item[name] for name in names if name in item})

    def named(self, node: Node) -> str | None:
        """The name of an attribute; None for what is no attribute."""
        return self.names[node.operands[0]] if node.operator == "#" else None

    @property
    def touched(self) -> list[str]:
        """The attributes that are updated."""
        return [self.names[action.operands[0]] for action in self._actions]

    def update(self, old: Item | None, key: Item) -> Item | None:
        """An item after the update; what the update reads is the item before it. Raises Unfit."""
        before = key if old is None else old
        after, scope = dict(before), self._scope(before)
        for clause, (placeholder, *operands) in self._actions:
            name = self.names[placeholder]
            made = _CHANGES[clause](before.get(name), *(_meaning(operand, scope) for operand in operands))
            if made is None:
                after.pop(name, None)
            else:
                after[name] = made
        # Seen at AWS: what only takes away makes no item.
        takes_away = self._actions and all(clause in ("REMOVE", "DELETE") for clause, _ in self._actions)
        return None if old is None and takes_away else after

    @property
    def _actions(self) -> tuple[Node, ...]:
        return self.nodes["UpdateExpression"].operands if "UpdateExpression" in self.nodes else ()

    def _scope(self, item: Item) -> _Scope:
        return _Scope(item, self.names, self.values)
