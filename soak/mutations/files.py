"""Papers and photos: who gets one, what waits, and what a file is."""

from soak.mutations.mutant import Mutant

DOCUMENTS = "tests/test_documents.py::"
FILES = [
    Mutant(
        "core: a file opens in another row",
        "beneficiaries/models/document.py",
        'return f"file of document {self.pk}"',
        'return "file of document"',
        first=DOCUMENTS + "test_what_lies_in_the_folder_is_sealed",
    ),
    Mutant(
        "core: a scanner that says nothing finds no harm",
        "core/scanner.py",
        'if said == b"stream: OK\\0":',
        'if not said.endswith(b" FOUND\\0"):',
        first=DOCUMENTS + "test_with_the_scanner_down_a_paper_waits_and_nobody_gets_it",
    ),
    Mutant(
        "core: a file is shown in the site's own place",
        "core/files.py",
        "as_attachment=True",
        "as_attachment=False",
        first="tests/test_uploads.py::test_a_file_is_handed_out_to_be_saved_and_never_shown",
    ),
    Mutant(
        "core: a photo keeps where it was taken",
        "core/uploads.py",
        'bare = Image.new("RGB", image.size)\n    bare.paste(image.convert("RGB"))',
        'bare = image.convert("RGB")',
        first="tests/test_uploads.py::test_a_photo_says_no_more_where_it_was_taken",
    ),
    Mutant(
        "core: a PDF is an archive too",
        "core/uploads.py",
        ' or b"PK\\x05\\x06" in data',
        "",
        first="tests/test_uploads.py::test_a_pdf_that_is_something_else_too_or_broken_is_refused",
    ),
    Mutant(
        "beneficiaries: confidential papers to all who work on the case",
        "beneficiaries/models/document.py",
        "        by_confidentiality=True,\n",
        "",
        first=DOCUMENTS + "test_a_confidential_paper_is_not_there_for_who_may_not_read_it",
    ),
    Mutant(
        "beneficiaries: who works on a case throws its papers away",
        "beneficiaries/models/document.py",
        "update=Level.LEAD",
        "update=Level.WORKING",
        first="tests/test_rows.py::test_the_rows_of_a_case_by_the_database_alone",
    ),
    Mutant(
        "beneficiaries: a paper is found without its case's scope",
        "beneficiaries/queries.py",
        "return Document.objects.visible_to(user).filter(case=case, pk=document_id).first()",
        "return Document.objects.filter(case=case, pk=document_id).first()",
        first="tests/test_pages_alone.py",
    ),
    Mutant(
        "beneficiaries: a waiting file is handed out",
        "beneficiaries/models/document.py",
        "return self.state in (DocumentState.CLEAN, DocumentState.UNCHECKED)",
        'return self.file != ""',
        first=DOCUMENTS + "test_with_the_scanner_down_a_paper_waits_and_nobody_gets_it",
    ),
    Mutant(
        "beneficiaries: the application says that a file is clean",
        "beneficiaries/sql/070_documents.sql",
        " AND current_user = 'iom_functions'",
        "",
        first=DOCUMENTS + "test_the_application_itself_can_not_say_that_a_file_is_clean",
    ),
    Mutant(
        "beneficiaries: a paper is handed out without a word in the record",
        "beneficiaries/views/document.py",
        '    audit.read(request, verb="document read", obj=document, case_id=document.case_id)\n',
        "",
        first=DOCUMENTS + "test_reading_a_paper_is_on_record_and_shown_to_who_works_on_the_case",
    ),
    Mutant(
        "beneficiaries: anybody who finds a case adds papers to it",
        "beneficiaries/operations/document.py",
        "    if not Case.objects.editable_by(by).filter(pk=case.pk).exists():\n        raise PermissionDenied\n",
        "",
        first="tests/test_refusals.py",
    ),
    Mutant(
        "beneficiaries: an erased person is found by a second number",
        "beneficiaries/sql/060_erasure.sql",
        "phone_index_2 = NULL, phone_index_3 = NULL,",
        "",
        first="tests/test_erasure.py::test_nothing_of_an_erased_person_is_anywhere",
    ),
    Mutant(
        "beneficiaries: a name that nobody sees is a name",
        "beneficiaries/operations/intake.py",
        'if not tidied["first_name"]:',
        "if not person.first_name:",
        first="tests/test_names.py::test_a_name_that_cannot_be_seen_is_refused_by_the_operations",
    ),
    Mutant(
        "beneficiaries: whoever names a document settles its scan",
        "beneficiaries/sql/070_documents.sql",
        "d.id = of_document AND d.token = held AND",
        "d.id = of_document AND",
        first="tests/test_reviewed_functions.py::test_nothing_is_settled_without_the_token_of_its_claim",
    ),
]
