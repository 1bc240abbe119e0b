"""The grid's top level: every key outside `trials`, with its type and default."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from analysis.sources.tracking_address import without_password
from cluster.addresses import require_address
from cluster.errors import ClusterError
from sweeper.errors import Address, UserError
from sweeper.grid.complaints import closest, complain, complaints, show
from sweeper.grid.document import Document
from sweeper.resources import Resources

__all__ = ["Aliases", "GridSchema", "check_grid", "check_shared", "require_tracker", "seed_values"]

LARGEST_SEED = 2**31 - 1
LONGEST_NAME = 255  # bytes: the limit of file systems
NAME = r"\w[\w .+-]{0,98}"
BLOCKS_NEED = {"trials", "data", "defaults", "components", "search"}
TRACKERS = (
    "sqlite:///",
    "http://",
    "https://",
    "postgresql://",
    "postgresql+psycopg2://",
    "postgresql+psycopg://",
    "mysql+pymysql://",
)


def _complaint(message: str, **context: Any) -> PydanticCustomError:
    return PydanticCustomError("whole", "{message}", {"message": message, **context})


class Section(BaseModel):
    """A mapping of the grid in which only declared keys are allowed."""

    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False, extra="forbid")


def check_name(name: str) -> str:
    if not re.fullmatch(NAME, name) or name != name.strip(" .") or name.isspace():
        raise _complaint(
            "must be 1 to 99 letters, digits, spaces or any of . _ + - (it names a "
            f"folder), not {show(name)}"
        )
    if (size := len(name.encode())) > LONGEST_NAME:
        raise _complaint(
            f"must be at most {LONGEST_NAME} bytes in UTF-8 (it names a folder), and has {size}: "
            f"{show(name)}"
        )
    return name


def check_seeds(seeds: Any) -> Any:
    """A count (5 means seeds 0 to 4), or a list of different whole numbers >= 0."""
    if _whole(seeds, 1):
        return seeds
    if not isinstance(seeds, list) or not seeds:
        raise _complaint(
            f"must be a number of seeds (at least 1) or a list of them, not {show(seeds)}"
        )
    for position, seed in enumerate(seeds):
        if not _whole(seed, 0):
            raise _complaint(
                f"must be a whole number from 0 to {LARGEST_SEED:,}, not {show(seed)}",
                address=(position,),
            )
        if seed in seeds[:position]:
            raise _complaint(f"the seed {seed} appears twice", address=(position,))
    return seeds


def _whole(value: Any, least: int) -> bool:
    is_int = isinstance(value, int) and not isinstance(value, bool)
    return is_int and least <= value <= LARGEST_SEED


def seed_values(seeds: int | list[int]) -> range | list[int]:
    """The seeds given by a grid's `seeds`: 3 gives 0, 1 and 2."""
    return range(seeds) if isinstance(seeds, int) else seeds


def check_part(part: Any) -> Any:
    """A component by its name alone, or a mapping with `name` and its fields."""
    if isinstance(part, str):
        return {"name": part}
    if not isinstance(part, dict) or not isinstance(part.get("name"), str):
        raise _complaint("must be a name, or a mapping with `name`, not " + show(part))
    return part


def check_pack(pack: Any) -> Any:
    if pack == "auto" or _whole(pack, 1):
        return pack
    raise _complaint(f"must be auto or a whole number of at least 1, not {show(pack)}")


def check_gpus(gpus: float) -> float:
    """Ray gives shares of one GPU, or whole ones."""
    if gpus > 1 and gpus != int(gpus):
        raise _complaint(f"must be a share of a GPU (0.5) or a whole number, not {show(gpus)}")
    return gpus


def check_custom(custom: dict[str, float]) -> dict[str, float]:
    own = {"cpu": "cpus", "gpu": "gpus", "memory": "memory_gb"}
    for name in custom:
        if instead := own.get(name.lower()):
            raise _complaint(f"is written `resources: {{{instead}: ...}}`", address=(name,))
    return custom


def check_range(ends: list[float] | None) -> list[float] | None:
    if ends is not None and (len(ends) != 2 or not 0 < ends[0] < ends[1]):
        raise _complaint("must be [low, high] with 0 < low < high, not " + show(ends))
    return ends


def check_where(where: dict[str, Any] | None) -> dict[str, Any] | None:
    for key, wanted in (where or {}).items():
        for value in wanted if isinstance(wanted, list) and wanted else [wanted]:
            if not isinstance(value, str | int | float):
                raise _complaint(
                    f"must be a value or a list of values, not {show(wanted)}", address=(key,)
                )
    return where


def check_choose(choose: dict[str, str] | None) -> dict[str, str] | None:
    if choose is None:
        return None
    if len(choose) != 1:
        raise _complaint(
            "must be one field and the metric that chooses its value, as in {lr: "
            f"validation/elbo_full}}, not {show(choose)}"
        )
    [(field, metric)] = choose.items()
    if not metric.startswith("validation/"):
        raise _complaint(
            f"must be a metric of the validation part, such as validation/elbo_full, not "
            f"{show(metric)}",
            address=(field,),
        )
    return choose


def check_tracking(uri: str | None) -> str | None:
    try:
        return None if uri is None else require_tracker(uri)
    except UserError as error:
        raise _complaint(error.message) from error


def require_tracker(uri: str) -> str:
    """The address of a tracking store; raises `UserError` if it is not valid."""
    if not uri.startswith(TRACKERS):
        raise UserError(
            f"must start with one of {', '.join(TRACKERS)}, not {show(without_password(uri))}"
        )
    return uri


def check_cluster(cluster: str) -> str:
    try:
        return require_address(cluster)
    except ClusterError as error:
        raise _complaint(str(error)) from error


Name = Annotated[str, AfterValidator(check_name)]
Seeds = Annotated[Any, AfterValidator(check_seeds)]
Part = Annotated[dict[str, Any], BeforeValidator(check_part)]
Positive = Annotated[float, Field(ge=0)]
Amount = Annotated[float, Field(gt=0)]
Aliases = Literal["keep", "merge", "verify"]


class LawSection(Section):
    """The power law that the report fits: y against x over rows with β = 1.

    `where` selects the rows, by a value or a list of values for each field.
    """

    x: str = "sigma"
    y: str = "test/kl"
    range: Annotated[list[float] | None, AfterValidator(check_range)] = None
    where: Annotated[dict[str, Any] | None, AfterValidator(check_where)] = None


class EquivalenceSection(Section):
    """The equivalence margin, a log ratio."""

    margin: Annotated[float, Field(gt=0)] = 0.10


class AnalysisSection(Section):
    """The analysis that the report makes, declared before the run.

    `choose` : a field, whose value is chosen from its list at each setting, and the metric of the
    validation part by which: ``{lr: validation/elbo_full}``.
    """

    law: LawSection = LawSection()
    equivalence: EquivalenceSection = EquivalenceSection()
    choose: Annotated[dict[str, str] | None, AfterValidator(check_choose)] = None


class UntilSection(Section):
    """When enough has been trained, and the budget, what is declared included.

    nu_halfwidth: the greatest half-width of the law's interval for ν. equivalence: whether all
    tests of independent seeds must be decided. Both add seeds, up to `max_seeds` (20); with
    nu_halfwidth, a `max_seeds` below 12 is always reached.
    converged: the greatest change of ν over the last fifth of training. It adds epochs, up to
    `max_epochs`.
    """

    nu_halfwidth: Annotated[float, Field(gt=0)] | None = None
    equivalence: Literal["decided"] | None = None
    converged: Annotated[float, Field(gt=0, le=0.01)] | None = None
    max_seeds: Annotated[int, Field(ge=1, le=10_000)] | None = None
    max_epochs: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def one_rule(self) -> UntilSection:
        rules = (self.nu_halfwidth, self.equivalence, self.converged)
        if sum(rule is not None for rule in rules) != 1:
            raise _complaint(
                "needs one rule: {nu_halfwidth: 0.02} or {equivalence: decided}, and a budget "
                "such as max_seeds: 20; or {converged: 0.01} and a budget such as max_epochs: 200"
            )
        if self.converged is None and self.max_epochs is not None:
            raise _complaint("max_epochs is the budget of `converged`; this rule adds seeds")
        if self.converged is not None and (self.max_epochs is None or self.max_seeds is not None):
            raise _complaint(
                "converged adds epochs: its budget is max_epochs, as in {converged: 0.01, "
                "max_epochs: 200}"
            )
        return self

    def rule(self) -> dict[str, Any]:
        """The rule with its budget."""
        budget = {} if self.converged else {"max_seeds": self.max_seeds or 20}
        return self.model_dump(exclude_none=True) | budget


class ResourcesSection(Section):
    """The resources of one pack, as requested from Ray, and how many packs train at once."""

    cpus: Annotated[float, Field(gt=0)] = 1
    gpus: Annotated[Positive, AfterValidator(check_gpus)] = 0
    gpu_type: str | None = None
    memory_gb: Positive = 0
    custom: Annotated[dict[str, Amount], AfterValidator(check_custom)] = {}
    pack: Annotated[Any, AfterValidator(check_pack)] = "auto"
    max_concurrent: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def gpu_of_a_type(self) -> ResourcesSection:
        if self.gpu_type is not None and not self.gpus:
            raise _complaint(
                f"gpu_type is the kind of a GPU, and no GPU is asked for: write {{gpus: 1, "
                f"gpu_type: {self.gpu_type}}}"
            )
        return self

    def plain(self) -> Resources:
        """The same for a sweep."""
        return Resources(**self.model_dump())


class _Shared(Section):
    """`split_seeds` : of random splits into training and validation part, each with all seeds."""

    seeds: Seeds = 5
    split_seeds: Seeds = None
    aliases: Aliases = "keep"


class _OfBlock(_Shared):
    """`priority` : blocks with a higher one are trained first."""

    priority: int = 0


class GridSchema(_Shared):
    """A grid file."""

    experiment: Name
    trials: list[dict[str, Any]]
    components: list[str] = []
    data: Part | None = None
    defaults: dict[str, Any] = {}
    search: dict[str, Any] = {}
    evaluate: list[Any] = []
    analysis: AnalysisSection = AnalysisSection()
    until: UntilSection | None = None
    resources: ResourcesSection = ResourcesSection()
    storage: str = "./sweeps"
    tracking: Annotated[str | None, AfterValidator(check_tracking)] = None
    cluster: Annotated[str, AfterValidator(check_cluster)] = "local"
    allow_mixed: bool = False
    send_code: bool = False
    send_data: bool = False
    models: Literal["none", "best", "all"] = "best"


def check_grid(document: Document) -> GridSchema:
    """Check the top level; blocks of `trials` are checked against their models later."""
    values = document.values
    if values is None:
        raise document.error("the grid is empty; `sweeper init` writes one to start from")
    if not isinstance(values, dict):
        raise document.error(
            f"a grid must be a mapping (`experiment: ...`), and this is {show(values)}"
        )
    grid = _validated(document, values)
    if not grid.trials:
        raise document.error(
            "the grid has no trials: write at least one block, such as "
            "`- {model: sigma_vae, sigma: 0.1}`",
            ("trials",),
        )
    return grid


def _validated(document: Document, values: dict[str, Any]) -> GridSchema:
    """The top level; where errors are collected, without the keys that have one.

    Blocks are not checked if they depend on such a key.
    """
    try:
        return GridSchema.model_validate(values)
    except ValidationError as error:
        found = complaints(error, _keys_at)
        for address, message in found:
            with document.mistakes.independent():
                raise document.error(message, address) from error
    wrong = {str(address[0]) for address, _ in found}
    if {key if key in GridSchema.model_fields else _meant(key) for key in wrong} & BLOCKS_NEED:
        document.mistakes.stop()
    rest = {key: value for key, value in values.items() if key not in wrong}
    return GridSchema.model_validate({"experiment": "unnamed"} | rest)


def _meant(key: str) -> str | None:
    return closest(key, GridSchema.model_fields)


def _keys_at(address: Address) -> list[str]:
    """The keys of the section of a grid at an address."""
    section: type[BaseModel] = GridSchema
    for step in address:
        hint = section.model_fields[str(step)].annotation
        section = next(
            one
            for one in (hint, *get_args(hint))
            if isinstance(one, type) and issubclass(one, BaseModel)
        )
    return list(section.model_fields)


def check_shared(document: Document, address: Address, key: str, raw: Any) -> Any:
    """Check a block's `seeds`, `split_seeds`, `aliases` or `priority`."""
    try:
        return _OfBlock.model_validate({key: raw}).model_dump()[key]
    except ValidationError as error:
        inner, message = complain(error)
        raise document.error(message, (*address, *inner[1:])) from error
