"""ValidatingAdmissionPolicies on connections to pods, by an implementation of CEL (with RE2) that is not ours.

Of policies only what pods/exec and its like need: match conditions, variables, validations, and bindings that deny.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.lab.api.identity import User
from tests.lab.api.kinds import Catalogue
from tests.lab.api.status import ApiError
from tests.lab.api.store import Store


class Admission:
    """One policy, compiled."""

    def __init__(self, policy: Mapping[str, Any]) -> None:
        import celpy  # takes long: only who has a policy needs it

        spec = policy["spec"]
        self._environment = celpy.Environment()
        self._conditions = [self._compile(c["expression"]) for c in spec.get("matchConditions") or ()]
        self._variables = {v["name"]: self._compile(v["expression"]) for v in spec.get("variables") or ()}
        self._validations = [
            (self._compile(v["expression"]), v.get("message", "failed expression"))
            for v in spec["validations"]
        ]

    def _compile(self, expression: str) -> Callable[[dict[str, Any]], Any]:
        import celpy.celtypes as cel

        def join(words: cel.ListType, separator: cel.StringType) -> cel.StringType:
            return cel.StringType(str(separator).join(str(w) for w in words))

        program = self._environment.program(self._environment.compile(expression), functions={"join": join})
        return program.evaluate

    def refusal(
        self, options: Mapping[str, Any], groups: Sequence[str], subresource: str = "exec"
    ) -> str | None:
        """The message of the first validation that fails; None when the policy admits or is not about this user."""
        import celpy
        import celpy.celtypes as cel

        request = {"userInfo": {"groups": list(groups)}, "subResource": subresource}
        known: Any = celpy.json_to_cel({"object": dict(options), "request": request, "variables": {}})
        if not all(condition(known) for condition in self._conditions):
            return None
        for name, variable in self._variables.items():
            known["variables"][cel.StringType(name)] = variable(known)
        return next((said for holds, said in self._validations if not bool(holds(known))), None)

    def admits(self, options: Mapping[str, Any], groups: Sequence[str], subresource: str = "exec") -> bool:
        return self.refusal(options, groups, subresource) is None


class Admissions:
    """The policies that are stored and bound. Safe for several threads."""

    def __init__(self, store: Store, catalogue: Catalogue) -> None:
        self._store, self._catalogue = store, catalogue
        self._lock = threading.Lock()
        self._compiled: dict[str, Admission] = {}

    def check(self, user: User, options: Mapping[str, Any], pod: str, subresource: str) -> None:
        """ApiError as the real server answers, when a bound policy denies the connection."""
        bindings, _ = self._store.all(self._catalogue.of("ValidatingAdmissionPolicyBinding"))
        denying = {
            entry.object["spec"]["policyName"]
            for entry in bindings
            if "Deny" in entry.object["spec"].get("validationActions", ())
        }
        if not denying:
            return
        policies, _ = self._store.all(self._catalogue.of("ValidatingAdmissionPolicy"))
        for entry in policies:
            policy = entry.object
            name = policy["metadata"]["name"]
            rules = policy["spec"]["matchConstraints"]["resourceRules"]
            about = any(
                f"pods/{subresource}" in rule["resources"] and "CONNECT" in rule["operations"]
                for rule in rules
            )
            if name not in denying or not about:
                continue
            said = self._of(policy).refusal(options, user.all_groups, subresource)
            if said is not None:
                raise ApiError(
                    403,
                    f"pods \"{pod}\" is forbidden: ValidatingAdmissionPolicy '{name}' with binding '{name}' "
                    f"denied request: {said}",
                )

    def _of(self, policy: Mapping[str, Any]) -> Admission:
        key = f"{policy['metadata']['uid']} {policy['metadata']['resourceVersion']}"
        with self._lock:
            if key not in self._compiled:
                self._compiled[key] = Admission(policy)
            return self._compiled[key]
