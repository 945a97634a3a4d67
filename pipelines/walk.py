"""The stages of the walk on the pipelines' side, each callable by command line, demo and Dagster alike."""

import datetime as dt
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import polars as pl

from features.core.clock import Clock, clock_from
from features.core.errors import ConfigError
from features.core.lake import Lake
from features.core.models import ModelRegistry, model_name
from features.core.plant import Plant, read_plant
from features.core.statements import Prediction, Refusal
from features.core.tables import LIVES, MAINTENANCE_EVENTS, MEASUREMENTS, WAVEFORMS
from features.rul.memory import Spans
from pipelines import champion, ingest, labels, scoring, training, tuning
from pipelines.dataset import training_set
from pipelines.historian import open_historian
from pipelines.historian.port import Historian
from pipelines.settings import PipelineSettings

__all__ = ["Trained", "Walk"]


@dataclass(frozen=True, slots=True)
class Trained:
    """A fitted model and whether it became the champion."""

    model: training.TrainedModel
    promotion: champion.Promotion


@dataclass(frozen=True, slots=True)
class Walk:
    """Everything the stages work on, opened once by an entry point."""

    settings: PipelineSettings
    plant: Plant
    lake: Lake
    clock: Clock
    registry: ModelRegistry

    @classmethod
    def open(cls, settings: PipelineSettings) -> Self:
        """Reads the plant file and opens lake, clock and model registry.

        Raises:
            ConfigError: The plant file or the replay file is wrong.
        """
        return cls(
            settings=settings,
            plant=read_plant(settings.plant),
            lake=Lake(settings.lake),
            clock=clock_from(settings.replay),
            registry=ModelRegistry(settings.models, settings.artifacts),
        )

    @contextmanager
    def historian(self, name: str) -> Iterator[Historian]:
        """The configured historian of that name, closed afterwards."""
        opened = open_historian(name, self.settings.sources[name], self.clock)
        try:
            yield opened
        finally:
            opened.close()

    def ingest(
        self,
        *,
        until: dt.datetime | None = None,
        origin: str = "backfill",
        on_progress: Callable[[ingest.IngestProgress], None] | None = None,
    ) -> list[ingest.IngestReport]:
        """Reads every configured historian from its watermark on.

        Raises:
            ConfigError: No historian is configured.
        """
        if not self.settings.sources:
            raise ConfigError("no historian is configured; add [sources.NAME] with a kind to pipelines.toml")
        reports = []
        for name in self.settings.sources:
            with self.historian(name) as source:
                reports.append(
                    ingest.ingest(
                        self.lake,
                        self.plant,
                        source,
                        clock=self.clock,
                        until=until,
                        overlap=dt.timedelta(hours=self.settings.overlap_hours),
                        page_rows=self.settings.page_rows,
                        origin=origin,
                        skew=ingest.SKEW if self.settings.replay is None else None,
                        on_progress=on_progress,
                    )
                )
        return reports

    def features(
        self, *, as_of: dt.datetime, on_progress: Callable[[scoring.FeatureProgress], None] | None = None
    ) -> int:
        """Makes the feature rows that are not there yet; how many were made."""
        return scoring.compute_features(self.lake, self.plant, as_of=as_of, on_progress=on_progress)

    def lives(self, *, as_of: dt.datetime) -> pl.DataFrame:
        """Lives as far as they could be known at `as_of`, written to the lake and returned."""
        events = self.lake.read(MAINTENANCE_EVENTS, as_of=as_of).collect()
        lives = labels.lives(events, self.plant, as_of=as_of, data_begin=self._data_begin(as_of))
        self.lake.upsert(LIVES, lives, writer="labels")
        return lives

    def review(self, *, as_of: dt.datetime) -> list[labels.Doubtful]:
        """Entries of the maintenance log that a person must look at."""
        events = self.lake.read(MAINTENANCE_EVENTS, as_of=as_of).collect()
        return labels.review(events, self.plant, as_of=as_of, data_begin=self._data_begin(as_of))

    def train(
        self, class_id: str, *, as_of: dt.datetime, exclude_machines: Collection[str] = (), fold_seeds: int = 1
    ) -> Trained:
        """Fits, evaluates and registers a model of that class, and promotes it when it is no worse.

        Raises:
            ConfigError: The class has a file of tuned parameters that does not fit.
        """
        parameters, words = tuning.parameters_of(self.settings.tuned, class_id)
        before = champion.standing(self.registry, class_id)
        model = training.train(
            self.lake,
            self.plant,
            class_id,
            as_of=as_of,
            registry=self.registry,
            exclude_machines=exclude_machines,
            kept_folds=None if before is None or before.held_out is None else before.held_out.folds,
            parameters=parameters,
            tuned=words,
            fold_seeds=fold_seeds,
        )
        judged = champion.judged_from_lake(
            self.lake,
            self.plant,
            class_id,
            as_of=as_of,
            fingerprint=model.artefact.fingerprint,
            exclude_machines=exclude_machines,
        )
        return Trained(model, champion.promote(self.registry, model, judged=judged, now=self.clock.now()))

    def compare(
        self,
        class_id: str,
        version: str,
        *,
        trusted: Collection[str] = (),
        on_progress: Callable[[str], None] = lambda _: None,
    ) -> champion.Verdict:
        """The verdict on a version against the present champion, as of now; nothing is changed.

        Raises:
            ConfigError: No such class or version, or it is the champion.
        """
        candidate, judged = self._candidate(class_id, version, trusted, on_progress)
        return champion.compare(self.registry, candidate, judged)

    def promote(
        self,
        class_id: str,
        version: str,
        *,
        despite: str | None = None,
        trusted: Collection[str] = (),
        on_progress: Callable[[str], None] = lambda _: None,
    ) -> champion.Promotion:
        """Makes a version the champion if its verdict lets it, or despite it with a person's reason.

        Raises:
            ConfigError: No such class or version, or it is the champion.
        """
        candidate, judged = self._candidate(class_id, version, trusted, on_progress)
        verdict = champion.compare(self.registry, candidate, judged)
        return champion.promote_version(
            self.registry, candidate, verdict, now=self.clock.now(), despite=despite, trusted=trusted
        )

    def shadow_report(self, class_id: str) -> champion.ShadowReport:
        """What the version in shadow said beside the champion.

        Raises:
            ConfigError: No version runs in shadow.
        """
        shadow = self.registry.shadow(model_name(class_id))
        if shadow is None:
            raise ConfigError(
                f"no version of class {class_id!r} runs in shadow; `wearcast model shadow {class_id} VERSION` "
                "starts one",
                {"component_class": class_id},
            )
        as_of = self.clock.now()
        judged = champion.judged_from_lake(self.lake, self.plant, class_id, as_of=as_of)
        return champion.shadow_report(self.lake, class_id, shadow.version, as_of=as_of, judged=judged)

    def tune(
        self,
        class_id: str,
        *,
        as_of: dt.datetime,
        minutes: float,
        exclude_machines: Collection[str] = (),
        on_progress: Callable[[tuning.Progress], None],
        is_stopped: Callable[[], bool],
    ) -> tuning.Tuned:
        """Looks for parameters of that class, and writes them where they are better than the default ones.

        Raises:
            ConfigError: Too few failed lives, or no feature rows.
        """
        known = self.plant.component_class(class_id)
        data = training_set(self.lake, self.plant, class_id, as_of=as_of).without(machines=exclude_machines)
        return tuning.tune(
            data,
            minutes=minutes,
            folder=self.settings.tuned,
            work=self.settings.tuning,
            spans=Spans.of_class(known.memory, known.baseline),
            on_progress=on_progress,
            is_stopped=is_stopped,
        )

    def score(
        self, *, as_of: dt.datetime, along: bool = False, machine_ids: Collection[str] | None = None
    ) -> list[Prediction | Refusal]:
        """Predicts every component with the champion of its class and writes the statements to the lake.

        Versions in shadow are asked, too; what they say is written beside and not returned.
        """
        lives = self.lives(as_of=as_of)
        shadows = self._models(shadow=True)
        if shadows:
            scoring.score(
                self.lake, self.plant, shadows, lives=lives, as_of=as_of, machine_ids=machine_ids, shadow=True
            )
        return scoring.score(
            self.lake,
            self.plant,
            self._models(),
            lives=lives,
            as_of=as_of,
            along=along,
            machine_ids=machine_ids,
        )

    def _models(self, *, shadow: bool = False) -> dict[str, champion.LoadedModel]:
        """Component class -> its champion, or the version in its shadow, where there is one."""
        found = {
            known.id: champion.load(self.registry, known.id, shadow=shadow)
            for known in self.plant.component_classes
        }
        return {class_id: loaded for class_id, loaded in found.items() if loaded is not None}

    def _candidate(
        self, class_id: str, version: str, trusted: Collection[str], on_progress: Callable[[str], None]
    ) -> tuple[champion.Contender, champion.Judged]:
        """A version and what it is judged by, lives and features brought up to now."""
        if class_id not in {known.id for known in self.plant.component_classes}:
            valid = ", ".join(known.id for known in self.plant.component_classes)
            raise ConfigError(f"no component class {class_id!r} in the plant; valid: {valid}")
        candidate = champion.candidate_of(self.registry, class_id, version)
        as_of = self.clock.now()
        on_progress("features")
        self.features(as_of=as_of)
        self.lives(as_of=as_of)
        on_progress("answers")
        judged = champion.judged_from_lake(
            self.lake,
            self.plant,
            class_id,
            as_of=as_of,
            fingerprint=candidate.artefact.fingerprint,
            trusted=trusted,
        )
        return candidate, judged

    def _data_begin(self, as_of: dt.datetime) -> dict[str, dt.datetime]:
        first = pl.concat(
            [self.lake.read(t, as_of=as_of).select("machine_id", "time") for t in (MEASUREMENTS, WAVEFORMS)]
        )
        begins = first.group_by("machine_id").agg(pl.col("time").min()).collect()
        return dict(zip(begins["machine_id"], begins["time"], strict=True))
