"""The project's habits, as far as a machine can check them."""

import ast
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models

from core.policies import own_apps

ROOT = Path(__file__).resolve().parents[2]
APPS = [app.label for app in own_apps()]
LAYERS = [*APPS, "iom_cases"]
FACES = ("views", "forms", "admin", "tasks", "urls", "serializers", "api")
FORBIDDEN_FILES = {"utils.py", "helpers.py", "common.py", "managers.py", "services.py"}
WRITES = {
    "save",
    "create",
    "update",
    "delete",
    "bulk_create",
    "bulk_update",
    "get_or_create",
    "update_or_create",
}
# Objects that are no rows: methods of forms, cursors and sets.
NOT_ROWS = re.compile(r"(data|values|kept|digest|seen|found|context|facts|form|headers|hash|cleaned_data)$")


def sources(*parts: str) -> list[Path]:
    """Return the Python files of the apps under one of these names (`views.py` or `views/…`)."""
    return [
        path
        for app in LAYERS
        for path in sorted((ROOT / app).rglob("*.py"))
        if "migrations" not in path.parts
        and (not parts or path.stem in parts or set(path.parts) & set(parts))
    ]


def _id(path: Path) -> str:
    return str(path.relative_to(ROOT))


def calls(path: Path) -> list[tuple[int, str, str]]:
    """Return (line, receiver, name) of each method call; a form's `save(commit=False)` writes nothing and is
    left out.
    """
    return [
        (node.lineno, ast.unparse(node.func.value), node.func.attr)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and not any(ast.unparse(given) == "commit=False" for given in node.keywords)
    ]


@pytest.mark.parametrize("path", sources(*FACES), ids=_id)
def test_views_forms_admin_and_tasks_write_nothing_themselves(path):
    """Views, forms, admin and tasks call operations; `hashlib` and dictionaries have methods of the same
    names.
    """
    written = [
        f"{line}: {receiver}.{name}()"
        for line, receiver, name in calls(path)
        if name in WRITES
        and not NOT_ROWS.search(receiver)
        and not receiver.startswith(("super()", "operations"))
    ]
    assert written == []


@pytest.mark.parametrize("path", sources("views", "admin", "tasks", "forms", "api"), ids=_id)
def test_views_forms_admin_and_tasks_use_scoped_querysets_only(path):
    protected = {
        model.__name__
        for app in APPS
        for model in apps.get_app_config(app).get_models()
        if hasattr(getattr(model, "access_policy", None), "read")
    }
    raw = [
        f"{line}: {receiver}.{name}()"
        for line, receiver, name in calls(path)
        if any(receiver == f"{model}.objects" for model in protected)
        and name not in ("visible_to", "editable_by", "led_by", "of")
    ]
    assert raw == []


@pytest.mark.parametrize("path", sources("operations"), ids=_id)
def test_operations_are_keyword_only_and_never_read_the_clock(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    public = [
        node for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    ]
    positional = [
        node.name
        for node in public
        if node.args.args and any(name.arg in ("by", "now") for name in node.args.args)
    ]
    assert positional == []
    assert "timezone.now()" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sources("rules"), ids=_id)
def test_rules_use_no_rows_no_clock_and_no_request(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {
        name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for name in [node.module or ""]
    }
    names = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute | ast.Name)}
    assert not {
        name for name in imported if re.search(r"django\.(db|http|utils\.timezone)|\.models$|clock", name)
    }
    assert not {name for name in names if re.search(r"\.objects$|^request$|\.(today|now)$", name)}


@pytest.mark.parametrize("path", sources("views", "admin", "middleware", "pages", "recent"), ids=_id)
def test_redirect_is_called_with_literal_view_names(path):
    """`redirect` tries its argument as a view's name first: user input goes through safe_address."""
    loose = [
        f"{node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("redirect", "resolve_url", "shortcuts.redirect")
        and not re.match(r"f?'[a-z_]+(:[a-z_{]|-)", ast.unparse(node.args[0]))
    ]
    assert loose == []


def test_no_file_has_a_name_that_says_nothing():
    assert [str(path) for path in sources() if path.name in FORBIDDEN_FILES] == []


@pytest.mark.parametrize("path", sources(), ids=_id)
def test_no_file_is_longer_than_500_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500


@pytest.mark.parametrize("folder", ["views", "forms", "operations", "queries"])
def test_packages_reexport_nothing(folder):
    """What is in a module of theirs is imported from that module."""
    inits = [ROOT / app / folder / "__init__.py" for app in LAYERS]
    assert [_id(path) for path in inits if path.exists() and len(ast.parse(path.read_text()).body) > 1] == []


def test_foreign_keys_point_downward():
    """A string reference is invisible to import-linter, and not to the model graph."""
    upward = []
    for model in (model for app in APPS for model in apps.get_app_config(app).get_models()):
        for field in model._meta.get_fields():
            target = getattr(field, "related_model", None)
            is_own = isinstance(field, models.ForeignKey | models.OneToOneField | models.ManyToManyField)
            is_ours = is_own and target is not None and target._meta.app_label in APPS
            if is_ours and APPS.index(target._meta.app_label) > APPS.index(model._meta.app_label):
                upward.append(f"{model._meta.label}.{field.name} → {target._meta.label}")
    assert upward == []


def test_every_template_is_used():
    """By a view, by another template, or by Django itself."""
    used_by_django = {"404.html", "403.html", "500.html", "403_csrf.html"}
    texts = [path.read_text(encoding="utf-8") for path in sources()]
    texts += [path.read_text(encoding="utf-8") for path in (ROOT / "templates").rglob("*.html")]
    unused = []
    for path in sorted((ROOT / "templates").rglob("*.html")):
        name = str(path.relative_to(ROOT / "templates"))
        is_ours = not name.startswith(("admin/", "components/", "forms/", "registration/"))
        if is_ours and name not in used_by_django and not any(f'"{name}"' in text for text in texts):
            unused.append(name)
    assert unused == []


def test_every_ordering_ends_in_a_unique_key():
    loose = []
    for model in (model for app in APPS for model in apps.get_app_config(app).get_models()):
        ordering = [name.lstrip("-") for name in model._meta.ordering]
        unique = {"id", "pk", "code", "key", "username", "case_id"} | {
            name for constraint in model._meta.total_unique_constraints for name in constraint.fields[-1:]
        }
        if ordering and ordering[-1] not in unique:
            loose.append(f"{model._meta.label}: {ordering}")
    assert loose == []


def test_the_hooks_are_these():
    from beneficiaries import hooks  # filled by the apps above when the site starts
    from beneficiaries.exports.cases import CASES
    from beneficiaries.exports.kinds import kinds
    from reintegration.exports import GRANTS
    from reintegration.operations.follow_up import refuse_closing
    from reintegration.operations.grant import notify_of_new_lead
    from reintegration.operations.safety import schedule_safety_step

    published = {name: value for name, value in vars(hooks).items() if name.startswith("case_")}
    assert published == {"case_closing": [refuse_closing], "case_transferring": [notify_of_new_lead]}
    assert hooks.high_risk_found == [schedule_safety_step]
    assert kinds == {"cases": CASES, "grants": GRANTS}


def test_who_sees_what_is_up_to_date():
    from core.management.commands.who_sees_what import page  # models must be loaded first

    assert (ROOT / "docs" / "who-sees-what.md").read_text(encoding="utf-8") == page()


def test_every_date_has_a_constraint_or_no_user_enters_it():
    """Whoever adds a date names its constraint, or its source if no user enters it (tests/core/test_days.py)."""
    from tests.core.test_days import BOUND, MACHINE  # models must be loaded first

    found = {
        f"{model._meta.label}.{field.name}"
        for app in APPS
        for model in apps.get_app_config(app).get_models()
        for field in model._meta.concrete_fields
        if type(field) is models.DateField
    }
    assert found == BOUND.keys() | MACHINE.keys()


def test_texts_are_normalized_in_one_place():
    """`core.names` limits what is normalized: thousands of combining marks on one letter take minutes."""
    found = [_id(path) for path in sources() if "unicodedata.normalize(" in path.read_text()]
    assert found == ["core/names.py"]
