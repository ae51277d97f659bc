"""What pages are made of: looks of states, written figures, tags, the frame."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.template import Context, Template, TemplateSyntaxError
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.utils import timezone
from lucide.templatetags.lucide import lucide

from config.context import navigation
from core.clock import frozen
from core.components import formatting
from core.components.vocabulary import AXES, look_of
from core.navigation import section_of, waiting_for
from core.templatetags.components import register

MOMENT = datetime(2026, 11, 18, 14, 3, 27, tzinfo=UTC)
DIGEST = "sha256:" + "7f3c9e2a" + "0" * 52 + "b210"
NARROW = "\u202f"


def render(source: str, **context: Any) -> str:
    return Template("{% load i18n components %}" + source).render(Context(context)).strip()


# -- states ------------------------------------------------------------------------------------------------------------


def test_every_look_has_an_icon_that_exists_a_word_and_a_tone() -> None:
    for axis, looks in AXES.items():
        for state, look in looks.items():
            assert "<svg" in lucide(look.icon), (axis, state)
            assert str(look.word)
            assert look.tone in {"ok", "bad", "warn", "info", "idle"}


@pytest.mark.parametrize("state", ["", None, "a_state_without_a_look"])
def test_what_is_missing_or_unknown_is_never_green(state: str | None) -> None:
    assert look_of("check", state).tone == "idle"


@pytest.mark.parametrize("state", ["not_run", "errored", "inconclusive", "failed", "skipped", "running"])
def test_a_check_that_did_not_pass_is_never_green(state: str) -> None:
    assert look_of("check", state).tone != "ok"


def test_every_state_of_every_model_has_a_look() -> None:
    known = {name for looks in AXES.values() for name in looks}
    for model in apps.get_models():
        for field in model._meta.get_fields():
            if getattr(field, "name", "") in {"state", "verdict"} and getattr(field, "choices", None):
                axis = AXES.get(model._meta.model_name or "", {})
                states = {str(value) for value, _ in field.choices if value}
                missing = states - (set(axis) or known)
                assert not missing, f"{model.__name__}.{field.name}: {missing}"


def test_an_axis_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(KeyError):
        render('{% badge "mood" "good" %}')


def test_a_badge_says_its_state_in_words_beside_the_icon() -> None:
    shown = render('{% badge "version" state detail %}', state="in_review", detail="1 of 3")
    assert "In review" in shown
    assert "1 of 3" in shown
    assert 'aria-hidden="true"' in shown


# -- figures -----------------------------------------------------------------------------------------------------------


def test_an_estimate_is_written_with_its_interval_and_its_sample_size() -> None:
    written = formatting.interval(0.978, 0.961, 0.989, 450, "fraction")
    assert written.replace(NARROW, " ") == "97.8 % (96.1–98.9 %, 450 rows)"


def test_bounds_of_other_units_are_as_precise_as_each_other() -> None:
    assert (
        formatting.interval(12.34, 11.9, 12.8, 1200, "ms", of="runs").replace(NARROW, " ") == "12.3 ms (11.9–12.8 ms, 1,200 runs)"
    )


def test_a_missing_interval_and_a_missing_sample_size_are_said() -> None:
    written = formatting.interval(0.978, None, None, None, "fraction")
    assert "no interval" in written
    assert "sample size not recorded" in written


def test_what_was_not_measured_is_no_figure() -> None:
    assert formatting.interval(None, None, None, 450, "fraction") == "not measured"
    assert formatting.number(float("nan")) == "not finite"


@pytest.mark.parametrize(
    ("value", "written"),
    [(0, "0"), (1797, "1,797"), (0.5, "0.500"), (12.345, "12.3"), (-3, "−3"), (0.00001234, "0.000012"), (None, "–")],
)
def test_figures_have_three_significant_digits(value: float | None, written: str) -> None:
    assert formatting.number(value) == written


def test_sizes_and_durations_have_their_unit() -> None:
    assert formatting.size(1_843_200).replace(NARROW, " ") == "1.8 MB"
    assert formatting.size(0).replace(NARROW, " ") == "0 B"
    assert formatting.duration(131).replace(NARROW, " ") == "2 min 11 s"
    assert formatting.duration(0.42).replace(NARROW, " ") == "0.4 s"


# -- moments -----------------------------------------------------------------------------------------------------------


def test_a_moment_is_shown_in_the_readers_zone_with_its_offset_and_in_utc_beside_it() -> None:
    with timezone.override(ZoneInfo("Asia/Seoul")):
        shown = render("{% when moment %}", moment=MOMENT)
    assert ">18 Nov 2026, 23:03 +09:00</time>" in shown
    assert 'title="2026-11-18 14:03:27 UTC"' in shown
    assert 'datetime="2026-11-18T14:03:27+00:00"' in shown


def test_an_offset_west_of_greenwich_keeps_its_minutes() -> None:
    assert formatting.moment(MOMENT, zone=ZoneInfo("America/St_Johns")).endswith("10:33 −03:30")


def test_relative_moments_follow_the_one_clock() -> None:
    with frozen(MOMENT):
        assert "3\xa0hours ago" in render('{% when moment "ago" %}', moment=MOMENT - timedelta(hours=3))
        assert "in 2\xa0days" in render('{% when moment "ago" %}', moment=MOMENT + timedelta(days=2, hours=1))


def test_no_moment_is_said() -> None:
    assert "not yet" in render("{% when None %}")


# -- people, digests, texts --------------------------------------------------------------------------------------------


def test_a_digest_is_short_to_read_and_whole_for_copying() -> None:
    shown = render("{% digest value %}", value=DIGEST)
    assert ">sha256:7f3c9e2a…b210<" in shown
    assert f'data-copy="{DIGEST}"' in shown
    assert " hidden " in shown  # the button appears only where a script can copy


def test_a_person_whose_name_was_erased_is_an_erased_person() -> None:
    shown = render("{% person who %}", who=SimpleNamespace(pk="0192f1c4-0000-7000-8000-00003b7c8d9e", name=""))
    assert "erased person" in shown


def test_a_system_actor_is_countersign_itself() -> None:
    assert "Countersign" in render('{% person "worker" %}')
    assert "nobody" in render("{% person None %}")


def test_markup_that_people_wrote_is_shown_and_never_run() -> None:
    shown = render("{% prose text %}", text="One\n\n<script>alert(1)</script>")
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


@pytest.mark.parametrize(
    "source",
    [
        "{% card text %}x{% endcard %}",
        "{% banner 'bad' text %}x{% endbanner %}",
        "{% facts %}{% fact text %}x{% endfact %}{% endfacts %}",
        "{% fact 'a' %}{{ text }}{% endfact %}",
        "{% table text %}{% endtable %}",
        "{% check 'passed' text %}{% endcheck %}",
        "{% empty text %}{% endempty %}",
        "{% folded text %}{% endfolded %}",
        "{% code text text %}",
        "{% crumb text text %}",
        "{% tab text text %}",
        "{% badge 'version' text text %}",
        "{% digest text text %}",
        "{% interval 0.5 0.4 0.6 3 text of=text %}",
        "{% number 3 text %}",
        "{% progress 'report' 'running' text fragment=text %}",
    ],
)
def test_every_tag_escapes_what_it_is_given(source: str) -> None:
    shown = render(source, text='"><script>x')
    assert "<script>" not in shown


def test_a_banner_of_an_unknown_tone_is_an_error() -> None:
    with pytest.raises(ValueError, match="not a tone"):
        render('{% banner "purple" %}x{% endbanner %}')


def test_a_tag_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(TemplateSyntaxError):
        render("{% sparkle %}")


# -- forms -------------------------------------------------------------------------------------------------------------


class Decision(forms.Form):
    verdict = forms.ChoiceField(widget=forms.RadioSelect, choices=[("approve", "Approve"), ("reject", "Reject")])
    name = forms.CharField(label="Name", help_text="Readable.", widget=forms.TextInput(attrs={"placeholder": "Name"}))
    explained = {"verdict": {"approve": "May be released"}}


def test_a_field_is_tied_to_its_label_its_help_and_its_error() -> None:
    shown = render("{% field form.name %}", form=Decision({}))
    assert '<label for="id_name"' in shown
    assert 'aria-describedby="id_name_helptext id_name_error"' in shown
    assert 'id="id_name_helptext"' in shown
    assert 'id="id_name_error"' in shown
    assert 'aria-invalid="true"' in shown


def test_a_placeholder_that_only_repeats_the_label_is_dropped() -> None:
    assert "placeholder" not in render("{% field form.name %}", form=Decision())


def test_choices_as_cards_carry_their_explanation() -> None:
    shown = render("{% radio_cards form.verdict %}", form=Decision())
    assert "May be released" in shown
    assert shown.count('type="radio"') == 2


def test_errors_name_the_fields_that_need_another_look() -> None:
    assert 'href="#id_name"' in render("{% errors form %}", form=Decision({}))
    assert render("{% errors form %}", form=Decision()) == ""


# -- lists -------------------------------------------------------------------------------------------------------------


def test_sorting_keeps_the_filters_and_leaves_the_page() -> None:
    request = RequestFactory().get("/models/", {"q": "digit", "sort": "name", "after": "7"})
    shown = render('{% sort "name" "Model" %}', request=request)
    assert 'href="?q=digit&amp;sort=-name"' in shown
    assert 'aria-sort="ascending"' in shown


def test_a_chart_stands_beside_its_table() -> None:
    chart = {"title": "Recall", "description": "One bar", "table": {"columns": ["Class", "Recall"], "rows": [["8", "91 %"]]}}
    shown = render('{% chart chart light="/l.svg" dark="/d.svg" %}', chart=chart)
    assert 'alt="One bar"' in shown
    assert 'media="(prefers-color-scheme: dark)"' in shown
    assert '<th scope="row">8</th>' in shown


# -- the frame ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "section"),
    [
        ("/", "inbox"),
        ("/reviews/1/", "inbox"),
        ("/models/", "models"),
        ("/versions/1/checks/", "models"),
        ("/runs/compare/", "runs"),
        ("/verify/", ""),
    ],
)
def test_the_open_section_follows_the_address(path: str, section: str) -> None:
    assert section_of(path) == section


def test_a_stranger_costs_no_count_of_the_inbox() -> None:
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    assert navigation(request)["nav"]["waiting"] == 0


def test_the_inbox_shows_the_sum_of_what_packages_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_for, "_items", {"a": (1, lambda person: 2), "b": (2, lambda person: 1)})
    request = RequestFactory().get("/")
    request.user = SimpleNamespace(is_authenticated=True)
    assert navigation(request)["nav"]["waiting"] == 3


@pytest.mark.parametrize("template", ["403.html", "403_csrf.html", "404.html", "429.html", "500.html"])
def test_a_refusal_is_readable_without_any_context(template: str) -> None:
    shown = render_to_string(template)
    assert re.search(r"<h1>[^<]+</h1>", shown)


def test_a_refusal_shows_the_reason_that_it_is_given() -> None:
    assert "You submitted this version" in render_to_string(
        "403.html", {"title": "Not allowed", "detail": "You submitted this version."}
    )


def test_the_styleguide_opens_for_everybody_under_the_strict_policy(client: Client) -> None:
    answer = client.get("/styleguide/")
    assert answer.status_code == 200
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]


def test_the_styleguide_shows_every_component() -> None:
    shown = (Path(settings.BASE_DIR) / "templates" / "styleguide.html").read_text()
    unshown = {name for name in register.tags if not re.search(r"{%\s*" + name + r"\b", shown)}
    assert not unshown


def test_no_template_brings_a_style_or_a_script_of_its_own() -> None:
    for template in (Path(settings.BASE_DIR) / "templates").rglob("*.html"):
        if "print" in template.parts:
            continue
        text = template.read_text()
        assert not re.search(r"\sstyle=|<style|\son\w+=\"|<script(?![^>]*\bsrc=)", text), template


def test_pages_use_only_classes_that_the_stylesheet_has() -> None:
    stylesheet = (Path(settings.BASE_DIR) / "static" / "css" / "app.css").read_text()
    known = set(re.findall(r"\.([a-z][\w-]*)", stylesheet))
    for template in (Path(settings.BASE_DIR) / "templates").rglob("*.html"):
        if "print" in template.parts:
            continue
        without_tags = re.sub(r"{%.*?%}|{{.*?}}|{#.*?#}", " ", template.read_text(), flags=re.DOTALL)
        used = {name for names in re.findall(r'class="([^"]*)"', without_tags) for name in names.split()}
        assert used <= known, (template, used - known)


def test_a_score_has_no_unit() -> None:
    assert formatting.measure(0.5, "score") == formatting.number(0.5)
    assert "score" not in formatting.interval(0.5, 0.4, 0.6, 100, "score")
