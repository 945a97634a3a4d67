"""One CSV file as raw rows: layouts, decimal signs, time zones, quality words; and what could not be read."""

import csv
import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import polars as pl
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from features.core.clock import EARLIEST, localize, zone
from features.core.errors import ConfigError, RowRejectedError
from pipelines.historian.port import RAW_ROWS, Rejected

__all__ = ["TOO_EARLY", "CsvConfig", "Reading", "read_file"]

# The word for a stamp of a clock that was never set; the quarantine knows it.
TOO_EARLY = "too_early"

# OPC Data Access quality bytes: from 192 good, from 64 uncertain, below bad (OPC DA 2.05a, section 6.8).
_GOOD, _UNCERTAIN = 192, 64
_WORDS = {"good": _GOOD, "uncertain": _UNCERTAIN, "bad": 0}
_OFFSET = r"(?:Z|[+-]\d{2}:?\d{2})$"
_ISO = "%Y-%m-%dT%H:%M:%S%.f"


def _zone_name(name: str | None) -> str | None:
    if name is not None:
        try:
            zone(name)
        except ConfigError as err:
            raise ValueError(str(err)) from err
    return name


class CsvConfig(BaseModel):
    """Keys of a source of kind `csv`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str = "csv"
    folder: Path
    layout: Literal["long", "wide"] = "long"
    pattern: str = Field("*.csv", description="Which files of the folder are read.")
    waveforms: str = Field("*.parquet", description="Which files hold waveforms.")
    separator: str = Field(",", min_length=1, max_length=1)
    decimal: Literal[".", ","] = "."
    tag_column: str = "tag"
    time_column: str = "time"
    value_column: str = "value"
    quality_column: str = Field("quality", description="Long layout: good, uncertain, bad or an OPC quality byte.")
    time_format: str | None = Field(None, description="strftime pattern; default: ISO 8601.")
    time_zone: Annotated[str | None, AfterValidator(_zone_name)] = Field(
        None, description="IANA zone of stamps without an offset; without it they are refused."
    )
    monotone: bool = Field(False, description="The source never writes the repeated hour of a DST change twice.")
    lag_minutes: float = Field(0.0, ge=0, description="How long after its time a row could be known.")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file gave: rows of schema `RAW_ROWS`, and lines that could not become one."""

    rows: pl.DataFrame
    rejected: tuple[Rejected, ...]


def read_file(file: Path, config: CsvConfig) -> Reading:
    """All readings of one file, in the order of the file.

    Raises:
        ConfigError: The file is no text, or has not the declared columns.
    """
    table, broken = _table(file, config)
    cells = _long(table, config) if config.layout == "long" else _wide(table, config)
    cells = _with_quality(_with_value(_with_time(cells, config), config))
    wrong = cells.filter(pl.col("problem").is_not_null())
    rejected = [
        Rejected(tag or "(no tag)", time, f"{stamp or ''} {cell or ''}".strip(), problem, f"{file.name}: {why}")
        for tag, time, stamp, cell, problem, why in wrong.select(
            "tag", "time", "stamp", "cell", "problem", "why"
        ).iter_rows()
    ]
    rows = cells.filter(pl.col("problem").is_null()).select(list(RAW_ROWS))
    return Reading(rows, (*broken, *rejected))


def _table(file: Path, config: CsvConfig) -> tuple[pl.DataFrame, list[Rejected]]:
    try:
        table = pl.read_csv(file, separator=config.separator, infer_schema=False)
        return table.rename({name: name.strip() for name in table.columns}), []
    except pl.exceptions.NoDataError:
        return pl.DataFrame(schema={config.tag_column: pl.String, config.time_column: pl.String}), []
    except (pl.exceptions.PolarsError, OSError):
        return _line_by_line(file, config)


def _line_by_line(file: Path, config: CsvConfig) -> tuple[pl.DataFrame, list[Rejected]]:
    """The slow way, for files with broken lines: those are rejected, the others read."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as err:
        raise ConfigError(f"{file}: not readable as UTF-8 text ({err})", {"file": str(file)}) from err
    lines = csv.reader(text.splitlines(), delimiter=config.separator)
    header = [name.strip() for name in next(lines, [])]
    good, broken = [], []
    for line in lines:
        if len(line) == len(header):
            good.append([cell or None for cell in line])
        elif line:
            raw, detail = config.separator.join(line), f"{len(line)} fields instead of {len(header)}"
            broken.append(
                Rejected("(no tag)", None, raw, "broken_line", f"{file.name} line {lines.line_num}: {detail}")
            )
    return pl.DataFrame(good, schema=dict.fromkeys(header, pl.String), orient="row"), broken


def _need(table: pl.DataFrame, names: tuple[str, ...]) -> None:
    for name in names:
        if name not in table.columns:
            raise ConfigError(
                f"no column {name!r} among {', '.join(map(repr, table.columns[:8]))}; "
                "declare separator, layout and column names of the source",
                {"column": name},
            )


def _long(table: pl.DataFrame, config: CsvConfig) -> pl.DataFrame:
    if table.is_empty() and config.value_column not in table.columns:
        table = table.with_columns(pl.lit(None, pl.String).alias(config.value_column))
    _need(table, (config.tag_column, config.time_column, config.value_column))
    has_quality = config.quality_column in table.columns
    return table.select(
        tag=pl.col(config.tag_column).str.strip_chars(),
        stamp=pl.col(config.time_column).str.strip_chars(),
        cell=pl.col(config.value_column).str.strip_chars(),
        word=pl.col(config.quality_column).str.strip_chars() if has_quality else pl.lit(None, pl.String),
    )


def _wide(table: pl.DataFrame, config: CsvConfig) -> pl.DataFrame:
    _need(table, (config.time_column,))
    return (
        table.unpivot(index=config.time_column, variable_name="tag", value_name="cell")
        .select(
            "tag",
            stamp=pl.col(config.time_column).str.strip_chars(),
            cell=pl.col("cell").str.strip_chars(),
            word=pl.lit(None, pl.String),
        )
        .filter(pl.col("cell").is_not_null() & (pl.col("cell") != ""))
    )


def _with_time(cells: pl.DataFrame, config: CsvConfig) -> pl.DataFrame:
    """Adds `time` (UTC), and `problem` with `why` where there is none."""
    stamps = _utc(cells.select("stamp").unique(), config)
    no_tag = pl.col("tag").is_null() | (pl.col("tag") == "")
    # Nobody asks for such times, so they would be left out without a word.
    early = pl.col("time") < EARLIEST
    return cells.join(stamps, on="stamp", how="left", nulls_equal=True, maintain_order="left").with_columns(
        problem=pl.when(no_tag)
        .then(pl.lit("missing_tag"))
        .when(early)
        .then(pl.lit(TOO_EARLY))
        .otherwise("problem"),
        why=pl.when(no_tag)
        .then(pl.lit("no tag in the line"))
        .when(early)
        .then(pl.lit(f"before {EARLIEST.date()}: a clock that was never set"))
        .otherwise("why"),
    )


def _utc(stamps: pl.DataFrame, config: CsvConfig) -> pl.DataFrame:
    """`stamp`, `time`, `problem`, `why` of distinct stamps; localised as `features.core.clock.localize` does."""
    aware, naive = _parsed(config)
    zoned = pl.lit(None, pl.Datetime("us", "UTC"))
    if config.time_zone is not None:
        local = pl.col("naive").dt.replace_time_zone(config.time_zone, ambiguous="null", non_existent="null")
        zoned = local.dt.convert_time_zone("UTC")
    parsed = stamps.with_columns(aware=aware, naive=naive).with_columns(time=pl.coalesce("aware", zoned))
    special: dict[str, tuple[dt.datetime | None, str | None, str | None]] = {}
    for stamp, moment in parsed.filter(pl.col("time").is_null()).select("stamp", "naive").iter_rows():
        special[stamp] = _special(stamp, moment, config)
    schema = pl.Schema({"time": pl.Datetime("us", "UTC"), "problem": pl.String(), "why": pl.String()})
    solved = pl.DataFrame(list(special.values()), schema=schema, orient="row").with_columns(
        stamp=pl.Series(list(special), dtype=pl.String)
    )
    done = parsed.filter(pl.col("time").is_not_null()).select(
        "time", problem=pl.lit(None, pl.String), why=pl.lit(None, pl.String), stamp="stamp"
    )
    return pl.concat([done, solved])


def _parsed(config: CsvConfig) -> tuple[pl.Expr, pl.Expr]:
    """Expressions for stamps with and without an offset; null where a stamp is of the other sort, or none."""
    naive_type, utc = pl.Datetime("us"), pl.Datetime("us", "UTC")
    if config.time_format is not None:
        text = pl.col("stamp").str.strptime
        if "%z" in config.time_format:
            return text(utc, config.time_format, strict=False), pl.lit(None, naive_type)
        return pl.lit(None, utc), text(naive_type, config.time_format, strict=False)
    iso = (
        pl.col("stamp")
        .str.replace(r"^(\d{4}-\d{2}-\d{2}) ", "${1}T")
        .str.replace(r"^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2})($|Z$|[+-])", "${1}:00${2}")
        .str.replace(r"Z$", "+00:00")
        .str.replace(r"([+-]\d{2})(\d{2})$", "${1}:${2}")
    )
    has_offset = pl.col("stamp").str.contains(_OFFSET)
    return (
        pl.when(has_offset).then(iso.str.strptime(utc, f"{_ISO}%:z", strict=False)),
        pl.when(~has_offset).then(iso.str.strptime(naive_type, _ISO, strict=False)),
    )


def _special(
    stamp: str | None, moment: dt.datetime | None, config: CsvConfig
) -> tuple[dt.datetime | None, str | None, str | None]:
    if moment is None:
        return None, "bad_time", f"{stamp!r} is no time of format {config.time_format or 'ISO 8601'}"
    if config.time_zone is None:
        return None, "no_time_zone", f"{stamp!r} has no offset; declare time_zone for the source"
    try:
        return localize(moment, zone(config.time_zone), monotone=config.monotone), None, None
    except RowRejectedError as err:
        return None, str(err.context["reason"]), str(err)


def _with_value(cells: pl.DataFrame, config: CsvConfig) -> pl.DataFrame:
    number = pl.col("cell").str.replace(",", ".", literal=True) if config.decimal == "," else pl.col("cell")
    filled = pl.when(pl.col("cell") != "").then("cell")
    return cells.with_columns(value=number.cast(pl.Float64, strict=False)).with_columns(
        text=pl.when(pl.col("value").is_null()).then(filled)
    )


def _with_quality(cells: pl.DataFrame) -> pl.DataFrame:
    word = pl.col("word").str.to_lowercase()
    code = pl.coalesce(
        word.replace_strict(_WORDS, default=None, return_dtype=pl.Int64), word.cast(pl.Int64, strict=False)
    )
    silent = word.is_null() | (word == "")
    unknown = ~silent & code.is_null() & pl.col("problem").is_null()
    quality = pl.when(pl.col("status") >= _GOOD).then(2).when(pl.col("status") >= _UNCERTAIN).then(1).otherwise(0)
    return cells.with_columns(
        status=pl.when(silent).then(_GOOD).otherwise(code).cast(pl.Int64),
        problem=pl.when(unknown).then(pl.lit("bad_quality_word")).otherwise("problem"),
        why=pl.when(unknown).then(pl.format("quality {}", pl.col("word"))).otherwise("why"),
    ).with_columns(quality=quality.cast(pl.Int8))
