"""The Nepali catalogue is complete, compiled, and keeps every placeholder; and a page shows it.

Reads .po files and source itself, so that it needs no gettext tools on the machine.
"""

import ast
import gettext
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import django
import pytest
from django.utils import formats, translation
from django.utils.translation.template import templatize

from projects.rules import assess, reason_text

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = ROOT / "locale" / "ne" / "LC_MESSAGES" / "django.po"
COMPILED = CATALOGUE.with_suffix(".mo")
DJANGO_WORDS = ROOT / "iom_cases" / "django_words.py"
NOT_APPS = {"tests", "localstack", "bench"}
MARKS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}
TRANSLATED = 0.98  # the smallest share of our own strings
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[a-z]|\{\w*\}")
DEVANAGARI = re.compile(r"[\u0900-\u097f]")


@dataclass
class Entry:
    """One message of a .po file; `texts` by keyword: msgctxt, msgid, msgid_plural, msgstr, msgstr[0] …"""

    flags: set[str] = field(default_factory=set)
    texts: dict[str, str] = field(default_factory=dict)

    @property
    def translations(self) -> list[str]:
        return [text for keyword, text in self.texts.items() if keyword.startswith("msgstr")]

    def compiled(self) -> dict:
        """Return it as gettext stores it in memory: a plural form under its text and number."""
        context = f"{self.texts['msgctxt']}\x04" if "msgctxt" in self.texts else ""
        key = context + self.texts["msgid"]
        if "msgid_plural" not in self.texts:
            return {key: self.texts["msgstr"]}
        return {(key, number): text for number, text in enumerate(self.translations)}


def read(text: str) -> list[Entry]:
    """Return the entries of a .po file, its header first; any other line is an error."""
    entries = []
    for block in re.split(r"\n\s*\n", text.strip()):
        entry, keyword = Entry(), ""
        for line in block.splitlines():
            if line.startswith("#,"):
                entry.flags |= {flag.strip() for flag in line[2:].split(",")}
            elif not line.startswith("#"):
                found = re.fullmatch(r'(?:(msgctxt|msgid_plural|msgid|msgstr(?:\[\d\])?) )?(".*")', line)
                assert found, line
                keyword = found[1] or keyword
                entry.texts[keyword] = entry.texts.get(keyword, "") + ast.literal_eval(found[2])
        if entry.texts:
            entries.append(entry)
    return entries


def messages_of(path: Path) -> list[Entry]:
    return [entry for entry in read(path.read_text()) if entry.texts["msgid"]]


def in_python(source: str) -> set[str]:
    """Return what a file marks for translation; of a plural the singular."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0]
            if name in MARKS and isinstance(first, ast.Constant) and isinstance(first.value, str):
                found.add(first.value)
    return found


def in_template(source: str) -> set[str]:
    literal = r"""('(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
    marked = re.findall(rf"\b(?:n?gettext|_)\(\s*u?{literal}", templatize(source))
    return {ast.literal_eval(text) for text in marked}


def own_strings() -> set[str]:
    """Return everything that our apps and templates mark for translation."""
    apps = [path.parent for path in ROOT.glob("*/__init__.py") if path.parent.name not in NOT_APPS]
    files = [path for app in apps for path in app.rglob("*.py") if "migrations" not in path.parts]
    found = {text for path in files if path != DJANGO_WORDS for text in in_python(path.read_text())}
    for path in (ROOT / "templates").rglob("*.html"):
        found |= in_template(path.read_text())
    return found


@pytest.fixture(scope="module")
def messages() -> list[Entry]:
    return messages_of(CATALOGUE)


def test_marked_strings_are_found():
    python = 'a = _("One" " and more"); b = ngettext("Two", "Twos", n); c = f("Three"); d = _(name)'
    template = (
        """{% load i18n %}{% translate "It's" %}{% translate 'Two' as x %}{% firstof a _("Three") %}"""
        "{% blocktranslate count n=n %}{{ n }} day{% plural %}{{ n }} days{% endblocktranslate %}Four"
    )
    assert in_python(python) == {"One and more", "Two"}
    assert in_template(template) == {"It's", "Two", "Three", "%(n)s day"}


def test_catalogue_is_read_as_gettext_does():
    text = (
        'msgid ""\nmsgstr "Language: ne\\n"\n\n#, fuzzy, python-format\nmsgid "%s\\n"\n"day"\nmsgstr "क %s"\n\n'
        'msgctxt "c"\nmsgid "a"\nmsgid_plural "b"\nmsgstr[0] "x"\nmsgstr[1] "y"\n\n#~ msgid "gone"\n#~ msgstr "z"\n'
    )
    header, one, plural = read(text)
    assert header.compiled() == {"": "Language: ne\n"}
    assert (one.flags, one.compiled()) == ({"fuzzy", "python-format"}, {"%s\nday": "क %s"})
    assert plural.compiled() == {("c\x04a", 0): "x", ("c\x04a", 1): "y"}


def test_compiled_catalogue_is_what_the_source_says(messages):
    with COMPILED.open("rb") as file:
        stored = gettext.GNUTranslations(file)._catalog
    wanted: dict = {}
    for entry in messages:
        wanted |= {key: text for key, text in entry.compiled().items() if text}
    assert {key: text for key, text in stored.items() if key != ""} == wanted


def test_no_entry_is_fuzzy_or_obsolete(messages):
    assert [entry.texts["msgid"] for entry in messages if "fuzzy" in entry.flags] == []
    assert "\n#~" not in CATALOGUE.read_text()


def test_every_placeholder_is_kept(messages):
    wrong = []
    for entry in messages:
        originals = [entry.texts["msgid"], entry.texts.get("msgid_plural", entry.texts["msgid"])]
        for original, text in zip(originals, entry.translations, strict=False):
            found, given = Counter(PLACEHOLDER.findall(original)), Counter(PLACEHOLDER.findall(text))
            if text and found != given:
                wrong.append((original, text))
    assert wrong == []


def test_every_line_break_at_an_end_is_kept(messages):
    def ends(text: str) -> tuple[bool, bool]:
        return text.startswith("\n"), text.endswith("\n")

    differing = [
        entry.texts["msgid"]
        for entry in messages
        for text in entry.translations
        if text and ends(text) != ends(entry.texts["msgid"])
    ]
    assert differing == []


def test_a_translation_is_in_nepali(messages):
    english = [
        text
        for entry in messages
        for text in entry.translations
        if text
        and re.search("[a-z]{3}", PLACEHOLDER.sub("", entry.texts["msgid"]))
        and not DEVANAGARI.search(text)
    ]
    assert english == []


def test_our_own_strings_are_translated(messages):
    own = own_strings()
    assert len(own) > 500
    done = {entry.texts["msgid"] for entry in messages if all(entry.translations)}
    assert len(own & done) >= TRANSLATED * len(own), sorted(own - done)


def test_strings_taken_from_django_are_unchanged():
    folder = Path(django.__file__).parent
    catalogues = ["conf", "contrib/admin", "contrib/auth"]
    known = {
        entry.texts["msgid"]
        for name in catalogues
        for entry in messages_of(folder / name / "locale/en/LC_MESSAGES/django.po")
    }
    borrowed = in_python(DJANGO_WORDS.read_text())
    assert len(borrowed) > 50
    assert sorted(borrowed - known) == []


def test_sign_in_is_in_nepali_once_chosen(client, db):
    client.cookies["django_language"] = "ne"
    page = client.get("/accounts/login/").content.decode()
    assert '<html lang="ne"' in page
    assert "<title>साइन इन – सहयात्रा</title>" in page
    assert "प्रयोगकर्ता नाम" in page
    assert "Sign in" not in page
    empty = client.post("/accounts/login/", {"username": "", "password": ""}).content.decode()
    assert empty.count("यो खाली छोड्न मिल्दैन।") == 4  # in the summary and at the field, for both fields


def test_sign_in_is_in_english_by_default(client, db):
    page = client.get("/accounts/login/").content.decode()
    assert '<html lang="en"' in page
    assert "साइन इन" not in page


def test_reasons_against_admission_are_in_nepali():
    criteria = {
        "any": [{"fact": "age", "below": 18}, {"fact": "sex", "in": ["female"]}],
    }
    with translation.override("ne"):
        result = assess({"age": 30, "sex": "male"}, criteria, date(2026, 3, 27))
        reasons = [reason_text(result), *(reason_text(child) for child in result.children)]
        day = formats.date_format(date(2026, 11, 3), "DATE_FORMAT")
    assert reasons == [
        "2 मध्ये कुनै पनि पूरा भएन; एउटा भए पुग्छ।",
        "उमेर (पूरा भएको वर्ष): 30। 18 भन्दा कम हुनुपर्छ।",
        "लिङ्ग: पुरुष। यीमध्ये एउटा हुनुपर्छ: महिला।",
    ]
    assert day == "3 नोभेम्बर 2026"
