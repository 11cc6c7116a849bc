"""Requests for access, and what needs a second user."""

from soak.mutations.mutant import Mutant

REQUEST_TESTS = "tests/accounts/test_access_requests.py"

ACCESS_REQUESTS = [
    Mutant(
        "accounts: a role in an organisation with cases needs no second user",
        "accounts/sql/040_requests.sql",
        "IF asked.id IS NULL AND (NEW.request_id IS NOT NULL OR access.has_cases(here)) THEN",
        "IF false THEN",
        first=REQUEST_TESTS,
    ),
    Mutant(
        "accounts: an approval for fewer permissions gives more",
        "accounts/sql/040_requests.sql",
        "       AND a.permissions @> ARRAY(SELECT p.codename FROM accounts_role r\n",
        "       AND true OR a.permissions @> ARRAY(SELECT p.codename FROM accounts_role r\n",
        first=REQUEST_TESTS,
    ),
    Mutant(
        "accounts: a user approves with an account that they asked for",
        "accounts/sql/040_requests.sql",
        "AND NOT access.brought_in_by(m.user_id) && access.brought_in_by(a.asked_by_id)",
        "AND true",
        first=REQUEST_TESTS,
    ),
    Mutant(
        "accounts: a role that one administrator gave counts at once",
        "accounts/sql/040_requests.sql",
        "OR m.given_at < now() - interval '14 days'",
        "OR true",
        first=REQUEST_TESTS,
    ),
    Mutant(
        "accounts: IOM decides while the organisation has a second user",
        "accounts/sql/040_requests.sql",
        "AND NOT EXISTS (SELECT 1 FROM own);",
        ";",
        first=REQUEST_TESTS,
    ),
    Mutant(
        "accounts: an approval of IOM takes effect at once",
        "accounts/sql/040_requests.sql",
        "WHEN decides = 'protection' OR a.kind = 'email'\n",
        "WHEN a.kind = 'email'\n",
        first=REQUEST_TESTS,
    ),
    Mutant(
        "accounts: another address takes effect at once",
        "accounts/sql/040_requests.sql",
        "WHEN decides = 'protection' OR a.kind = 'email'\n",
        "WHEN decides = 'protection'\n",
        first="tests/accounts/test_account_requests.py",
    ),
    Mutant(
        "accounts: anybody decides on a request",
        "accounts/sql/040_requests.sql",
        "IF asked.state IS DISTINCT FROM 'pending' OR decides IS NULL THEN",
        "IF asked.state IS DISTINCT FROM 'pending' THEN",
        first=REQUEST_TESTS,
    ),
    Mutant(
        "accounts: the database lets a role get more permissions",
        "accounts/sql/040_requests.sql",
        "IF session_user = 'iom_app' AND access.has_cases(given.organisation_id)\n",
        "IF false AND access.has_cases(given.organisation_id)\n",
        first="tests/database/test_access_requests.py",
    ),
    Mutant(
        "accounts: the database lets an address change",
        "accounts/sql/040_requests.sql",
        "IF NEW.email <> OLD.email\n",
        "IF false\n",
        first="tests/database/test_access_requests.py",
    ),
    Mutant(
        "accounts: the database opens a closed account",
        "accounts/sql/040_requests.sql",
        "IF NEW.is_active AND NOT OLD.is_active\n",
        "IF false\n",
        first="tests/database/test_access_requests.py",
    ),
    Mutant(
        "accounts: the database lets a second factor be deleted",
        "accounts/sql/040_requests.sql",
        "IF session_user = 'iom_app' AND OLD.user_id IS DISTINCT FROM access.user_id()",
        "IF false AND OLD.user_id IS DISTINCT FROM access.user_id()",
        first="tests/database/test_access_requests.py",
    ),
    Mutant(
        "accounts: users swap their ids",
        "accounts/sql/040_requests.sql",
        "FOR EACH ROW WHEN (NEW.id <> OLD.id) EXECUTE FUNCTION access.user_stays();",
        "FOR EACH ROW WHEN (false) EXECUTE FUNCTION access.user_stays();",
        first="tests/accounts/test_ways_around.py::test_the_application_changes_no_id",
    ),
    Mutant(
        "accounts: another organisation decides on a request",
        "accounts/sql/040_requests.sql",
        "IF NEW.organisation_id IS DISTINCT FROM access.decides_on(",
        "IF false AND NEW.organisation_id IS DISTINCT FROM access.decides_on(",
        first="tests/accounts/test_ways_around.py::test_a_request_belongs_to_the_organisation_of_its_role_or_user",
    ),
    Mutant(
        "accounts: a user whom a focal point set up is their second user",
        "accounts/sql/040_requests.sql",
        "WHERE m.user_id = origin.id AND m.request_id IS NULL AND",
        "WHERE false AND",
        first="tests/accounts/test_ways_around.py::test_a_user_whom_a_focal_point_set_up_alone_is_not_their_second_user",
    ),
    Mutant(
        "accounts: an account needs a second user until its role ends only",
        "accounts/sql/040_requests.sql",
        "'Asia/Kathmandu')::date - 365);",
        "'Asia/Kathmandu')::date);",
        first="tests/accounts/test_ways_around.py::test_an_account_needs_a_second_user_for_a_year_after_its_role",
    ),
    Mutant(
        "accounts: anybody adds a second factor for another",
        "accounts/sql/040_requests.sql",
        "is_own boolean := NEW.user_id IS NOT DISTINCT FROM access.user_id()",
        "is_own boolean := true",
        first="tests/accounts/test_ways_around.py::test_nobody_adds_a_second_factor_for_another",
    ),
    Mutant(
        "accounts: an organisation becomes an office of IOM",
        "accounts/sql/040_requests.sql",
        "IF (NEW.kind = 'iom') <> (OLD.kind = 'iom') THEN",
        "IF false THEN",
        first=REQUEST_TESTS,
    ),
]
