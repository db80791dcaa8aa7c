"""How far a lane relies on what it remembers."""

from enum import Enum


class Memory(Enum):
    """What a lane takes for granted of records that it may have written itself, so that a sale reads them less.

    A guard tells at the commit when that was wrong.
    """

    NONE = "each is read whenever it is needed"
    OR_READ = "as it left it; read where it does not remember it"
    OR_ABSENT = "as it left it; taken as not there where it does not remember it"
