"""A state machine as a table: what is not in the table is refused with a reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from domain_kit.refusals import FailedPrecondition

S = TypeVar("S", bound=Enum)
A = TypeVar("A", bound=Enum)


@dataclass(frozen=True, slots=True)
class StateTable(Generic[S, A]):
    """Transitions of one kind of thing. `thing` names it in messages ("booking")."""

    thing: str
    transitions: Mapping[tuple[S, A], S]

    def after(self, state: S, action: A) -> S:
        """The state after `action`; FailedPrecondition with reason `<THING>_<STATE>` where the table has no row."""
        following = self.transitions.get((state, action))
        if following is None:
            raise FailedPrecondition(
                f"{self.thing}_{state.name}".upper().replace(" ", "_"),
                f"Cannot {action.name.lower().replace('_', ' ')} a {self.thing} that is {state.name.lower()}.",
                metadata={"state": state.name, "action": action.name},
            )
        return following

    def allows(self, state: S, action: A) -> bool:
        """Whether the table has a row for it."""
        return (state, action) in self.transitions

    def diagram(self) -> str:
        """The table as a Mermaid state diagram, for READMEs; a test keeps them equal."""
        rows = [
            f"    {before.name} --> {after.name}: {action.name}" for (before, action), after in self.transitions.items()
        ]
        return "\n".join(["stateDiagram-v2", *rows])
