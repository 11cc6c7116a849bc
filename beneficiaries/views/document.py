"""Documents of a case: upload, read, delete."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from beneficiaries.forms.case import DocumentForm, RemovalForm
from beneficiaries.models import Document
from beneficiaries.operations.document import HARMFUL, add_document, record_refused_file, remove_document
from beneficiaries.queries.document import content_of, document_of
from beneficiaries.views.case import METHODS, case_or_404
from core import audit, files
from core.clock import now
from core.pages import submit
from core.uploads import EXTENSIONS, REFUSED


@login_required
@require_http_methods(METHODS)
def document_add(request, reference: str):
    """Upload a document. That a file was refused is put on the audit log."""
    case = case_or_404(request, reference, writing=True)
    form = DocumentForm(request.POST or None, request.FILES or None)

    def action() -> str:
        data = form.cleaned_data
        document = add_document(
            case=case,
            kind=data["kind"],
            confidentiality=data["confidentiality"],
            title=data["title"],
            data=data["file"].read(),
            size=data["file"].size,
            by=request.user,
            now=now(),
        )
        if document.is_open:
            messages.success(request, _("The file is saved."))
        else:
            messages.warning(request, _("The file is saved, but can’t be opened before the virus check."))
        return reverse("case-detail", args=[case.reference])

    answer = submit(request, form, purpose=f"document:{case.pk}", action=action)
    is_harmful = form.has_error("file", HARMFUL)
    if is_harmful or form.has_error("file", REFUSED):  # `action` wrote nothing
        record_refused_file(case=case, is_harmful=is_harmful, by=request.user, now=now())
    return answer or render(request, "beneficiaries/document_add.html", {"form": form, "case": case})


def document_or_404(request, reference: str, document_id: UUID) -> Document:
    """Return the document if the user may read it; else 404."""
    document = document_of(request.user, reference, document_id)
    if document is None:
        raise Http404
    return document


@login_required
@require_safe
def document_file(request, reference: str, document_id: UUID):
    """Send the file, after putting the reading on the audit log; 404 before the scan and after deletion."""
    document = document_or_404(request, reference, document_id)
    data = content_of(document)
    if data is None:
        raise Http404
    audit.read(request, verb="document read", obj=document, case_id=document.case_id)
    name = f"{document.case.reference}-{document.kind}-{document.at:%Y-%m-%d}.{EXTENSIONS[document.content_type]}"
    return files.attachment_response(data, name=name, content_type=document.content_type)


@login_required
@require_http_methods(METHODS)
def document_remove(request, reference: str, document_id: UUID):
    """Delete the file of a document."""
    case = case_or_404(request, reference, writing=True)
    document = document_or_404(request, reference, document_id)
    if not Document.objects.editable_by(request.user).filter(pk=document.pk).exists():
        raise PermissionDenied
    form = RemovalForm(request.POST or None)

    def action() -> str:
        remove_document(document=document, why=form.cleaned_data["why"], by=request.user, now=now())
        messages.success(request, _("The file is deleted."))
        return reverse("case-detail", args=[case.reference])

    context = {"form": form, "case": case, "document": document}
    return submit(request, form, purpose=f"remove:{document.pk}", action=action) or render(
        request, "beneficiaries/document_remove.html", context
    )
