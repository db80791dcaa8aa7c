"""Where the contracts and everything made from them stand in the repository."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Places:
    """Folders and files of one checkout; `root` is its top folder."""

    root: Path

    @classmethod
    def of_checkout(cls) -> "Places":
        """The checkout this package is installed from (editable, as the workspace does)."""
        return cls(Path(__file__).resolve().parents[4])

    @property
    def protos(self) -> Path:
        """The hand-written contracts."""
        return self.root / "protos"

    @property
    def buf_config(self) -> Path:
        """Rules of `buf lint` and `buf breaking`."""
        return self.protos / "buf.yaml"

    @property
    def baseline(self) -> Path:
        """Image of the last landed contracts: what `breaking` compares with."""
        return self.protos / "baseline.binpb"

    @property
    def stubs(self) -> Path:
        """Source folder of the generated package `usher`."""
        return self.root / "libs" / "protos" / "src"

    @property
    def openapi(self) -> Path:
        """The OpenAPI document the gateway serves."""
        return self.root / "deploy" / "envoy" / "openapi.json"

    def contract_files(self) -> list[str]:
        """Every contract, as a path below `protos`, sorted."""
        return sorted(path.relative_to(self.protos).as_posix() for path in self.protos.glob("usher/**/*.proto"))
