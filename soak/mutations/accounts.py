"""Who holds what in which organisation, from when to when, and who says so."""

from soak.mutations.mutant import Mutant

ASKED = "accounts/queries.py"
ENTER = "accounts/sql/010_enter.sql"
DEEDS = "accounts/operations.py"

ACCOUNTS = [
    Mutant(
        "accounts: a deactivated person holds what they held",
        ASKED,
        "if not user.is_authenticated or not user.is_active:",
        "if not user.is_authenticated:",
        first="tests/test_wall.py",
    ),
    Mutant(
        "accounts: a role holds before its first day",
        ASKED,
        "m.user_id = %(user)s AND m.starts_on <= %(today)s",
        "m.user_id = %(user)s",
    ),
    Mutant(
        "accounts: a role holds after its last day",
        ASKED,
        "       AND (m.ends_on IS NULL OR m.ends_on >= %(today)s)\n",
        "",
        first="tests/test_wall.py",
    ),
    Mutant(
        "accounts: a deactivated organisation's roles hold",
        ASKED,
        "ON o.id = r.organisation_id AND o.is_active\n      LEFT",
        "ON o.id = r.organisation_id\n      LEFT",
        first="tests/test_roles.py",
    ),
    Mutant(
        "accounts: permissions for one organisation hold in another",
        ASKED,
        "ON g.group_id = r.group_id AND g.content_object_id = r.organisation_id",
        "ON g.group_id = r.group_id",
    ),
    Mutant(
        "accounts: a permission somewhere is a permission everywhere",
        ASKED,
        "return bool(organisations) if organisation_id is None else organisation_id in organisations",
        "return bool(organisations)",
    ),
    Mutant(
        "accounts: a partner's administrator configures the system",
        ASKED,
        "filter(pk__in=held, kind=OrganisationKind.IOM)",
        "filter(pk__in=held)",
    ),
    Mutant(
        "accounts: any token of the person's name opens",
        ASKED,
        "return ApiToken.objects.live(on)",
        "return ApiToken.objects.all()",
        first="tests/test_api.py",
    ),
    Mutant(
        "accounts: a token outlives its last day",
        "accounts/models.py",
        "self.filter(revoked_at=None, expires_on__gte=on, user__is_active=True)",
        "self.filter(revoked_at=None, user__is_active=True)",
        first="tests/test_api.py",
    ),
    Mutant(
        "accounts: a revoked token opens",
        "accounts/models.py",
        "self.filter(revoked_at=None, expires_on__gte=on, user__is_active=True)",
        "self.filter(expires_on__gte=on, user__is_active=True)",
        first="tests/test_api.py",
    ),
    Mutant(
        "accounts: everybody's notices in Python",
        "accounts/models.py",
        "        return self.filter(recipient=user)",
        "        return self.all()",
        first="tests/test_scope_alone.py",
    ),
    Mutant(
        "accounts: everybody's notices in the database",
        "accounts/models.py",
        '        read="t.recipient_id = wall.person()",',
        '        read="wall.has_user()",',
        first="tests/test_scope_alone.py",
    ),
    Mutant(
        "accounts: a context for the deactivated",
        ENTER,
        "WHERE u.id = who AND u.is_active",
        "WHERE u.id = who",
        first="tests/test_wall.py",
    ),
    Mutant(
        "accounts: a context before the first day",
        ENTER,
        "       AND m.starts_on <= (now() AT TIME ZONE 'Asia/Kathmandu')::date\n",
        "",
    ),
    Mutant(
        "accounts: a context after the last day",
        ENTER,
        "       AND (m.ends_on IS NULL OR m.ends_on >= (now() AT TIME ZONE 'Asia/Kathmandu')::date);",
        "       ;",
        first="tests/test_wall.py",
    ),
    Mutant(
        "accounts: a context in a deactivated organisation",
        ENTER,
        "ON o.id = r.organisation_id AND o.is_active",
        "ON o.id = r.organisation_id",
    ),
    Mutant(
        "accounts: a context by permissions for another organisation",
        ENTER,
        "ON g.group_id = r.group_id AND g.content_object_id = r.organisation_id",
        "ON g.group_id = r.group_id",
    ),
    Mutant(
        "accounts: a context reads with the right to figures",
        ENTER,
        "FILTER (WHERE p.codename = 'read_cases')",
        "FILTER (WHERE p.codename IN ('read_cases', 'read_figures'))",
        first="tests/test_rows.py",
    ),
    Mutant(
        "accounts: a context decides with the right to figures",
        ENTER,
        "FILTER (WHERE p.codename IN ('endorse_grants', 'approve_grants', 'pay_grants'))",
        "FILTER (WHERE p.codename IN ('endorse_grants', 'approve_grants', 'pay_grants', 'read_figures'))",
        first="tests/test_rows.py",
    ),
    Mutant(
        "accounts: a context outlives its transaction",
        ENTER,
        "set_config('wall.reads', coalesce(reading::text, ''), true)",
        "set_config('wall.reads', coalesce(reading::text, ''), false)",
        first="tests/test_scope_alone.py",
    ),
    Mutant(
        "accounts: anybody configures",
        DEEDS,
        "    if by is not None and not may_configure(by):\n        raise PermissionDenied\n",
        "    return\n",
    ),
    Mutant(
        "accounts: anybody tailors a role",
        DEEDS,
        '    """Say what this role may do in its organisation, in place of what it could before."""\n'
        "    _require_configure(by)\n",
        '    """Say what this role may do in its organisation, in place of what it could before."""\n',
    ),
    Mutant(
        "accounts: anybody gives roles",
        DEEDS,
        "    _require_configure(by)\n    membership.full_clean()\n",
        "    membership.full_clean()\n",
    ),
    Mutant(
        "accounts: anybody saves people",
        DEEDS,
        "    _require_configure(by)\n    if password:\n",
        "    if password:\n",
    ),
    Mutant(
        "accounts: one person approves and pays",
        DEEDS,
        "    if any(pair <= held for pair in INCOMPATIBLE):",
        "    if False:",
    ),
    Mutant(
        "accounts: one role approves and pays",
        DEEDS,
        "    if {Permission.APPROVE_GRANTS, Permission.PAY_GRANTS} <= set(codenames):",
        "    if False:",
    ),
    Mutant(
        "accounts: a token for another person",
        DEEDS,
        "    if by is not None and by != user:",
        "    if False:",
        first="tests/test_refusals.py",
    ),
    Mutant(
        "accounts: anybody revokes anybody's tokens",
        DEEDS,
        "    if by != user:\n        _require_configure(by)\n",
        "",
    ),
    Mutant(
        "accounts: readers write",
        "accounts/choices.py",
        "RoleCode.READER: (Permission.READ_CASES,),",
        "RoleCode.READER: (Permission.READ_CASES, Permission.WRITE_CASES),",
        first="tests/test_rows.py",
        afresh=True,
    ),
    Mutant(
        "accounts: approvers read case files",
        "accounts/choices.py",
        "RoleCode.GRANT_APPROVER: (Permission.READ_FIGURES, Permission.APPROVE_GRANTS),",
        "RoleCode.GRANT_APPROVER: (Permission.READ_CASES, Permission.READ_FIGURES, Permission.APPROVE_GRANTS),",
        first="tests/test_rows.py",
        afresh=True,
    ),
]
