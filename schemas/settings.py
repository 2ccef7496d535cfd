"""A shop's settings: what the merchant decides. A frozen dataclass, stored as JSON, read and written by its schema."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, time
from typing import Any

from marshmallow import fields, post_load, validate, validates_schema

from schemas.offers import OfferRules, OfferRulesSchema
from schemas.own import OwnSchema, http_url, line, url
from schemas.survey import DEFAULT_QUESTIONS, MOST_QUESTIONS, Question, QuestionSchema, check_questions

STEPS = ("thank_you", "shipped", "delivered", "survey", "cross_sell", "cross_sell_follow_up")
LANGUAGES = ("en", "ko")
TRACK_OPENS = ("off", "marketing", "all")
MOST_EARLIER = 50  # changes of one step that spared earlier orders
FIRST_STEPS = ("own_mails", "wording")

# The documents' advice. Minutes after the step's anchor; the anchors themselves are the timeline's matter.
DEFAULT_DELAYS = {
    "thank_you": 0,
    "shipped": 10,
    "delivered": 0,
    "survey": 4 * 24 * 60,
    "cross_sell": 7 * 24 * 60,  # after the order; never before the last delivery +1 day
    "cross_sell_follow_up": 3 * 24 * 60,
}


# Within which a delay does what it is for, in minutes; outside it the merchant is warned. The survey: the documents'.
ADVISED_DELAYS = {
    "thank_you": (0, 60),
    "shipped": (0, 12 * 60),
    "delivered": (0, 24 * 60),
    "survey": (3 * 24 * 60, 5 * 24 * 60),
    "cross_sell": (5 * 24 * 60, 14 * 24 * 60),
    "cross_sell_follow_up": (2 * 24 * 60, 7 * 24 * 60),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierStep:
    """What held for orders placed before `until`, where a change was for later orders only."""

    until: datetime
    enabled: bool
    delay_minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSettings:
    """One step of the flow. `delay_minutes` None: the default. `subject`, `intro`: Liquid by language.

    `earlier`: in the order of their `until`; the first one that an order was placed before holds for it.
    """

    enabled: bool = True
    delay_minutes: int | None = None
    subject: dict[str, str] = field(default_factory=dict)
    intro: dict[str, str] = field(default_factory=dict)
    earlier: tuple[EarlierStep, ...] = ()
    holdout_percent: int = 0  # of the customers who are kept out of it, so that it can be seen what it brings


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    email: str | None = None
    phone: str | None = None
    hours: str | None = None
    help_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    colour: str = "#1f5f5b"
    logo_url: str | None = None
    legal_name: str | None = None
    postal_address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    name: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """No service or marketing mail from `start` to `end`, local time; the span may cross midnight."""

    start: time
    end: time


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """At most `messages` service and marketing messages to one customer in any `days` days."""

    messages: int
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopSettings:
    steps: dict[str, StepSettings] = field(default_factory=dict)
    delivery_days: int = 7  # the merchant's delivery time: the length of the campaign
    marketing: str = "consent"  # or "soft_opt_in", where the customer's country allows it
    quiet_hours: QuietHours | None = None
    cap: Cap | None = None
    max_per_hour: int | None = None  # service and marketing messages of the whole shop, in an hour of real time
    language: str | None = None  # of messages to customers whose order names none
    support: Support = field(default_factory=Support)
    brand: Brand = field(default_factory=Brand)
    sender: Sender = field(default_factory=Sender)
    how_to: dict[str, str] = field(default_factory=dict)  # product id -> the merchant's page on using it
    survey_minutes: int = 1
    track_opens: str = "marketing"  # mails that tell of their opening: "off", "marketing" or "all"
    offers: OfferRules = field(default_factory=OfferRules)  # who is offered what; nobody anything, until switched on
    done: tuple[str, ...] = ()  # first steps outside Dasi that the merchant ticked off: of FIRST_STEPS
    questions: tuple[Question, ...] = ()  # of the survey; none: Dasi's own

    def step(self, name: str) -> StepSettings:
        return self.steps.get(name) or _DEFAULT_STEP

    def delay_minutes(self, name: str) -> int:
        given = self.step(name).delay_minutes
        return DEFAULT_DELAYS[name] if given is None else given

    def survey(self) -> tuple[Question, ...]:
        """What the survey asks, in its order."""
        return self.questions or DEFAULT_QUESTIONS

    def at(self, placed_at: datetime) -> ShopSettings:
        """As they hold for an order placed then. The same object where no change spared earlier orders."""
        if not any(step.earlier for step in self.steps.values()):
            return self
        return replace(self, steps={name: _step_at(step, placed_at) for name, step in self.steps.items()})

    def for_new_orders(self) -> ShopSettings:
        """Without what holds for earlier orders only: as every order would be treated from now on."""
        return replace(self, steps={name: replace(step, earlier=()) for name, step in self.steps.items()})


_DEFAULT_STEP = StepSettings()


def _step_at(step: StepSettings, placed_at: datetime) -> StepSettings:
    held = next((one for one in step.earlier if placed_at < one.until), None)
    if held is None:
        return step
    return replace(step, enabled=held.enabled, delay_minutes=held.delay_minutes)


class EarlierStepSchema(OwnSchema):
    makes = EarlierStep
    until = fields.AwareDateTime(required=True)
    enabled = fields.Boolean(required=True)
    delay_minutes = fields.Integer(required=True, validate=validate.Range(0, 120 * 24 * 60))


class StepSchema(OwnSchema):
    makes = StepSettings
    enabled = fields.Boolean()
    delay_minutes = fields.Integer(allow_none=True, validate=validate.Range(0, 120 * 24 * 60))
    subject = fields.Dict(
        keys=fields.String(validate=validate.OneOf(LANGUAGES)), values=fields.String(validate=validate.Length(max=300))
    )
    intro = fields.Dict(
        keys=fields.String(validate=validate.OneOf(LANGUAGES)), values=fields.String(validate=validate.Length(max=5000))
    )
    earlier = fields.List(fields.Nested(EarlierStepSchema), validate=validate.Length(max=MOST_EARLIER))
    holdout_percent = fields.Integer(validate=validate.Range(0, 50))

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        """In the order in which they are looked up, whatever order they were written in."""
        return StepSettings(**{**data, "earlier": tuple(sorted(data.get("earlier", ()), key=lambda one: one.until))})


class SupportSchema(OwnSchema):
    makes = Support
    email = fields.Email(allow_none=True)
    phone = line(60)
    hours = line()
    help_url = url()


class BrandSchema(OwnSchema):
    makes = Brand
    colour = fields.String(validate=validate.Regexp(r"^#[0-9a-fA-F]{6}\Z"))
    logo_url = url()
    legal_name = line()
    postal_address = fields.String(allow_none=True, validate=validate.Length(max=500))


class SenderSchema(OwnSchema):
    makes = Sender
    name = line(120)
    email = fields.Email(allow_none=True)


class QuietHoursSchema(OwnSchema):
    makes = QuietHours
    start = fields.Time(required=True)
    end = fields.Time(required=True)


class CapSchema(OwnSchema):
    makes = Cap
    messages = fields.Integer(required=True, validate=validate.Range(1, 100))
    days = fields.Integer(required=True, validate=validate.Range(1, 90))


class ShopSettingsSchema(OwnSchema):
    """JSON object <-> ShopSettings. Unknown fields are an error."""

    makes = ShopSettings
    steps = fields.Dict(keys=fields.String(validate=validate.OneOf(STEPS)), values=fields.Nested(StepSchema))
    delivery_days = fields.Integer(validate=validate.Range(1, 90))
    marketing = fields.String(validate=validate.OneOf(["consent", "soft_opt_in"]))
    quiet_hours = fields.Nested(QuietHoursSchema, allow_none=True)
    cap = fields.Nested(CapSchema, allow_none=True)
    max_per_hour = fields.Integer(allow_none=True, validate=validate.Range(1, 1_000_000))
    language = fields.String(allow_none=True, validate=validate.OneOf(LANGUAGES))
    support = fields.Nested(SupportSchema)
    brand = fields.Nested(BrandSchema)
    sender = fields.Nested(SenderSchema)
    how_to = fields.Dict(
        keys=fields.String(validate=validate.Length(max=64)),
        values=fields.String(validate=[validate.Length(max=2000), http_url]),
    )
    survey_minutes = fields.Integer(validate=validate.Range(1, 30))
    track_opens = fields.String(validate=validate.OneOf(TRACK_OPENS))
    offers = fields.Nested(OfferRulesSchema)
    done = fields.List(fields.String(validate=validate.OneOf(FIRST_STEPS)))
    questions = fields.List(fields.Nested(QuestionSchema), validate=validate.Length(max=MOST_QUESTIONS))

    @validates_schema(skip_on_field_errors=True)
    def _questions_fit(self, data: dict[str, Any], **_: Any) -> None:
        check_questions(data.get("questions", ()), "questions")

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        questions = tuple(data.get("questions", ()))
        return ShopSettings(**{
            **data, "done": tuple(dict.fromkeys(data.get("done", ()))),
            "questions": () if questions == DEFAULT_QUESTIONS else questions,
        })  # fmt: skip


_SCHEMA = ShopSettingsSchema()


def load_settings(data: dict[str, Any]) -> ShopSettings:
    """Stored or given JSON -> settings. Raises marshmallow.ValidationError naming each wrong field."""
    settings: ShopSettings = _SCHEMA.load(data)
    return settings


def dump_settings(settings: ShopSettings) -> dict[str, Any]:
    """As stored. What later versions added is left out while it is empty: an older version reads the rest."""
    data: dict[str, Any] = _SCHEMA.dump(settings)
    for name in ("done", "questions"):
        if not data[name]:
            del data[name]
    if settings.offers == OfferRules():
        del data["offers"]
    for step in data["steps"].values():
        for name in ("earlier", "holdout_percent"):
            if not step[name]:
                del step[name]
    return data
