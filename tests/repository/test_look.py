"""Styles and templates: small, from this site only, readable, and nothing inline.

Reads files only: no database, no request.
"""

import gzip
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django import forms

from core.rendering import FormRenderer, grouped

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STATIC = ROOT / "static"
STYLESHEET = STATIC / "sahayatra.css"
COMPONENTS = sorted((ROOT / "templates" / "components").glob("*.html"))
ERROR_PAGES = [ROOT / "templates" / f"{code}.html" for code in (403, 404, 500)]

RAW_BYTES = 70_000
GZIPPED_BYTES = 12_000
READABLE = 4.5  # WCAG 2.2 AA, text of ordinary size
VISIBLE = 3.0  # WCAG 2.2 AA, edges of buttons and fields


class Inline(HTMLParser):
    """Collects what the content security policy would refuse."""

    def __init__(self):
        super().__init__()
        self.found = []
        self.in_script = False

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        self.found += [name for name in names if re.match(r"style$|on[a-z]|hx-on|data-hx-on", name)]
        self.found += [f"{name}={value}" for name, value in attrs if (value or "").startswith("javascript:")]
        if tag == "style":
            self.found.append("<style>")
        if tag == "script" and "src" not in names:
            self.found.append("<script> without src")
        self.in_script = tag == "script"

    def handle_endtag(self, tag):
        self.in_script = False

    def handle_data(self, data):
        if self.in_script and data.strip():
            self.found.append("<script> with content")


def inline_in(text: str) -> list[str]:
    parser = Inline()
    parser.feed(re.sub(r"{#.*?#}|{%.*?%}", " ", text))
    return parser.found


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize(
    "planted",
    [
        '<p style="color: red">',
        '<a onclick="go()">',
        '<a hx-on:click="go()">',
        '<a {% if x %}hx-on--load="go()"{% endif %}>',
        "<style>p {}</style>",
        "<script>go()</script>",
        '<script src="/a.js">go()</script>',
        '<a href="javascript:go()">',
    ],
)
def test_inline_code_is_found(planted):
    assert inline_in(planted)


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_template_has_nothing_inline(path):
    assert inline_in(path.read_text()) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_template_links_to_no_other_site(path):
    loaded = r"""(?:src|href|action|hx-[a-z]+)\s*=\s*["'](?:https?:)?//"""
    assert re.findall(loaded, path.read_text()) == []


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.css")) + sorted(STATIC.glob("*.js")), ids=name_of)
def test_own_static_file_loads_nothing_from_other_sites(path):
    text = path.read_text()
    assert re.findall(r"@import|@font-face|url\(\s*[\"']?(?:https?:|//|data:)", text) == []
    assert re.findall(r"""["'](?:https?:)?//[a-z]|\beval\(|new Function""", text) == []


def test_every_file_the_stylesheet_loads_is_there():
    loaded = re.findall(r"url\([\"']?([^)\"']+)", STYLESHEET.read_text())
    assert [one for one in loaded if not (STATIC / one).is_file()] == []


def test_stylesheet_is_small():
    content = STYLESHEET.read_bytes()
    assert len(content) < RAW_BYTES
    assert len(gzip.compress(content, 9)) < GZIPPED_BYTES


def test_stylesheet_carries_no_government_font_or_crest():
    text = STYLESHEET.read_text().lower()
    assert [word for word in ("gds transport", "crest", "crown", "govuk-logo") if word in text] == []
    fonts = (".woff", ".woff2", ".ttf", ".otf")
    assert [path.name for path in STATIC.rglob("*") if path.suffix in fonts] == []


def test_licences_name_every_vendored_version():
    licences = (STATIC / "vendor" / "LICENCES.txt").read_text()
    package = (STATIC / "build" / "package.json").read_text()
    shipped = re.findall(r'"(@ministryofjustice/frontend|govuk-frontend|htmx\.org)": "([\d.]+)"', package)
    assert len(shipped) == 3
    assert [f"{name} {version}" for name, version in shipped if f"{name} {version}" not in licences] == []
    assert licences.count("Permission is hereby granted, free of charge") == 2
    assert "Zero-Clause BSD" in licences


def test_htmx_is_the_pinned_file_and_may_not_evaluate():
    base = (ROOT / "templates" / "base.html").read_text()
    files = [path.name for path in (STATIC / "vendor").glob("*.js")]
    assert re.findall(r"vendor/(htmx-[\d.]+\.min\.js)", base) == files
    for setting in ('"includeIndicatorStyles": false', '"allowEval": false', '"historyCacheSize": 0'):
        assert setting in base


@pytest.mark.parametrize("path", COMPONENTS, ids=name_of)
def test_component_documents_its_parameters(path):
    documented = (ROOT / "templates" / "components" / "README.md").read_text()
    assert f"`{path.name}`" in documented
    assert "{#" in path.read_text().split("<", 1)[0]


def test_every_class_in_the_components_is_in_the_stylesheet():
    defined = set(re.findall(r"\.([a-z][\w-]*)", STYLESHEET.read_text()))
    # The vendors' markup names these, and gives them no rule.
    unruled = {"moj-timeline__header"} | {f"govuk-table__{part}" for part in ("head", "body", "row")}
    used = set()
    for path in [*COMPONENTS, ROOT / "templates" / "base.html", *ERROR_PAGES]:
        plain = re.sub(r"{%.*?%}|{{.*?}}|{#.*?#}", " ", path.read_text())
        for value in re.findall(r'class="([^"]*)"', plain):
            used |= {name for name in value.split() if not name.endswith("-")}
    assert sorted(used - defined - unruled) == []


@pytest.mark.parametrize("path", ERROR_PAGES, ids=name_of)
def test_error_page_is_the_same_for_everyone(path):
    text = path.read_text() + (ROOT / "templates" / "error_page.html").read_text()
    variable = re.findall(r"{{.*?}}|csrf_token|<form|<input|<script|translate|user|request|{% if", text)
    assert variable == []
    assert 'lang="ne"' in text
    assert re.search(r"[\u0900-\u097f]{3}", path.read_text())


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def colour(name: str) -> str:
    return re.search(rf"--govuk-{name}-colour: (#[0-9a-f]{{6}})", STYLESHEET.read_text())[1]


def test_contrast_of_black_and_white_is_21():
    assert round(contrast("#000000", "#ffffff"), 1) == 21.0


@pytest.mark.parametrize(
    "name", ["text", "secondary-text", "link", "link-visited", "link-hover", "error", "brand"]
)
@pytest.mark.parametrize("ground", ["body-background", "surface-background"])
def test_text_can_be_read(name, ground):
    assert contrast(colour(name), colour(ground)) >= READABLE


def test_edges_and_focus_can_be_seen():
    assert contrast(colour("input-border"), colour("body-background")) >= VISIBLE
    assert contrast(colour("focus-text"), colour("focus")) >= READABLE


def test_tags_can_be_read():
    rule = r"\.govuk-tag--([a-z]+)\{([^}]*)\}"
    tags = {
        name: re.findall(r"#[0-9a-f]{6}", body) for name, body in re.findall(rule, STYLESHEET.read_text())
    }
    assert sorted(tags) == ["blue", "green", "grey", "orange", "purple", "red", "teal", "yellow"]
    faint = {name: colours for name, colours in tags.items() if contrast(colours[-2], colours[-1]) < READABLE}
    assert faint == {}


class Sample(forms.Form):
    token = forms.CharField(widget=forms.HiddenInput)
    name = forms.CharField(
        max_length=20, help_text="As said.", widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    born_on = forms.DateField(required=False)
    sex = forms.ChoiceField(
        choices=[("f", "Female"), ("m", "Male")], widget=forms.RadioSelect(attrs={"class": "x"})
    )
    ways = forms.MultipleChoiceField(
        choices=[("p", "Phone"), ("v", "Visit")], widget=forms.CheckboxSelectMultiple
    )
    agrees = forms.BooleanField()
    factories = forms.CharField(widget=forms.Textarea)
    fieldsets = [("Person", ["born_on", "name", "absent"]), ("Nothing", ["token"])]


def sample(data=None) -> Sample:
    return Sample(data, renderer=FormRenderer())


def test_form_groups_all_of_its_fields():
    groups = [(group["legend"], [field.name for field in group["fields"]]) for group in grouped(sample())]
    assert groups == [("Person", ["born_on", "name"]), (None, ["sex", "ways", "agrees", "factories"])]


def test_plain_field_is_unchanged():
    """The admin renders its fields this way."""
    assert "govuk" not in str(sample()["name"])
    assert "govuk" not in str(sample({})["name"])


def test_styled_field_has_class_description_and_what_the_form_set():
    html = sample({"name": "x" * 21})["name"].styled
    assert 'class="govuk-input govuk-input--error"' in html
    assert 'autocomplete="off"' in html
    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="id_name_helptext id_name_error"' in html


def test_error_links_to_the_first_focusable_element():
    form = sample({})
    ids = {field.name: field.first_id for field in form.visible_fields()}
    assert ids["name"] == "id_name"
    assert ids["sex"] == "id_sex_0"
    assert ids["ways"] == "id_ways_0"
    assert ids["agrees"] == "id_agrees"


def test_options_have_no_class_of_their_own():
    field = sample()["sex"]
    assert field.options_class == "govuk-radios x"
    assert [option.data["attrs"]["id"] for option in field.options] == ["id_sex_0", "id_sex_1"]
    assert [option for option in field.options if "class" in option.data["attrs"]] == []


def test_only_what_may_be_left_empty_is_called_optional():
    assert [field.name for field in sample().visible_fields() if field.is_optional] == ["born_on"]
